import sqlite3, traceback
from tests.service.test_fsck import *
from tests.service.checking import check
WEIRD = ["NULL", "7", "1.5", "'x'", "x'00ff'", "zeroblob(16)", "-1", "CAST(x'ff' AS TEXT)", "9223372036854775807"]
def test_fuzz(told, tmp_path):
    tables = "user unlock member_seal assignment appointment bundle cases case_key consent_series consent_event sealed sealed_grant sealed_digest request ledger_row session group_key membership witness cosignature disclosure checkpoint detail tile head tree entry".split()
    write(told)
    live = sqlite3.connect(told.settings.database, isolation_level=None); live.text_factory = bytes
    pristine = sqlite3.connect(tmp_path / "pristine"); live.backup(pristine)
    live.execute("PRAGMA ignore_check_constraints=ON"); live.execute("PRAGMA foreign_keys=OFF")
    silent = {}; n = 0
    for table in tables:
        cols = [r[1].decode() for r in live.execute(f"PRAGMA table_xinfo({table})") if r[6]==0]
        row = live.execute(f'SELECT max(rowid) FROM {table}').fetchone()[0]
        for col in cols:
            for weird in WEIRD:
                before = live.execute(f'SELECT * FROM {table}').fetchall()
                try:
                    live.execute(f'UPDATE {table} SET "{col}" = {weird} WHERE rowid=?', (row,))
                except sqlite3.Error as e:
                    continue
                same = live.execute(f'SELECT * FROM {table}').fetchall() == before
                n += 1
                try:
                    f = check(told)[0]
                    if not f and not same: silent.setdefault((table, col), []).append(weird)
                    for x in f:
                        x.line.encode("ascii")
                except Exception as e:
                    print("CRASH", table, col, weird, repr(e)); traceback.print_exc(limit=-3)
                pristine.backup(live)
    print(n)
    for k,v in silent.items(): print("silent", k, v)
