"""What is printed at the end: where the server is, who can sign in, and how."""

from collections.abc import Callable

from crypto.totp import STEP
from service.cli.demo.people import ROLES, Town
from service.cli.demo.report import Report

SHARES = (14, 25, 18, -1, 34)


def print_accounts(report: Report, town: Town, address: str) -> None:
    """Addresses, logins with their passwords, second factors, and an example of signing in."""
    report.step("練習用のサーバーが動いています", "The practice server is running")
    report.say(
        f"    {address}/api/health",
        f"    {address}/schema/openapi.json",
        "    この機械からだけ使えます。データはすべて架空です。(this machine only; every case is invented)",
    )
    rows = []
    for login, account in town.accounts.items():
        second = "" if account.second_factor is None else account.second_factor.base32
        role = ROLES[account.person.role]
        rows.append((login, account.password, role, account.person.organisation, second))
    report.table(
        (
            "ログイン login",
            "パスワード password",
            "役割 role",
            "団体 organisation",
            "二段階認証の鍵 TOTP key",
        ),
        rows,
        SHARES,
    )
    report.say(
        "",
        "    例 example:",
        f"      curl -s {address}/api/session -H 'Content-Type: application/json' \\",
        f'        -d \'{{"login":"npo","password":"{town.accounts["npo"].password}"}}\'',
        '    返事の "token" を Authorization: Bearer ... に入れます。',
        '    二段階認証の鍵のある人は、6けたの番号を "code" に入れます。鍵を認証アプリに入れるか、',
        "    この画面で Enter を押してください。(codes: type the key into an authenticator, or press Enter here)",
        "    終わるには Ctrl+C (Ctrl+C ends)",
    )


def print_codes(town: Town, say: Callable[[str], object]) -> None:
    """The second factors' codes of this moment."""
    codes = (f"{login} {code}" for login, account in town.accounts.items() if (code := account.code()))
    say(
        f"    {'  '.join(codes)}   ({STEP}秒ごとに替わり、1回だけ使えます / new every {STEP} s, each works once)"
    )
