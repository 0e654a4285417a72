"""The closed lists of an entry's codes. What is not listed here cannot be logged.

A code is only ever added. None is renamed or reused: old entries are read by these lists for ever.
"""

import enum


class Event(enum.StrEnum):
    """What happened (formats.md, leaf key ``ev``)."""

    CASE_ASSIGN = "case.assign"
    CASE_CLOSE = "case.close"
    CASE_CREATE = "case.create"
    CASE_LIST = "case.list"
    CASE_READ = "case.read"
    CASE_SCAN = "case.scan"
    CASE_SEARCH = "case.search"
    CASE_UPDATE = "case.update"
    CLOCK_STEP = "clock.step"
    CONSENT_CHANGE = "consent.change"
    CONSENT_CONFIRM = "consent.confirm"
    CONSENT_END = "consent.end"
    CONSENT_EXPIRE = "consent.expire"
    CONSENT_GIVE = "consent.give"
    CONSENT_INVALIDATE = "consent.invalidate"
    CONSENT_REFUSE = "consent.refuse"
    CONSENT_RENEW = "consent.renew"
    CONSENT_REQUEST = "consent.request"
    CONSENT_TELL = "consent.tell"
    CONSENT_WITHDRAW = "consent.withdraw"
    DENY_SUPPRESSED = "deny.suppressed"
    DISCLOSURE_APPROVE = "disclosure.approve"
    DISCLOSURE_ASK = "disclosure.ask"
    DISCLOSURE_ISSUE = "disclosure.issue"
    ERASE_CASE = "erase.case"
    EXPORT_CSV = "export.csv"
    EXPORT_PRINT = "export.print"
    EXPORT_XLSX = "export.xlsx"
    FIELD_RELEASE = "field.release"
    FLAG_CHECK = "flag.check"
    FLAG_RAISE = "flag.raise"
    KEY_PIN = "key.pin"
    KEY_REVOKE = "key.revoke"
    KEY_ROTATE = "key.rotate"
    KEY_SEAL = "key.seal"
    LEDGER_READ = "ledger.read"
    LEDGER_WRITE = "ledger.write"
    LOG_CONTINUE = "log.continue"
    LOG_EXPORT = "log.export"
    LOG_OPEN = "log.open"
    LOG_SEARCH = "log.search"
    LOG_VERIFY = "log.verify"
    LOGIN_FAIL = "login.fail"
    LOGIN_LOCK = "login.lock"
    LOGIN_OK = "login.ok"
    MEMBER_CERTIFY = "member.certify"
    MEMBER_CONFIRM = "member.confirm"
    MEMBER_INVITE = "member.invite"
    MEMBER_REMOVE = "member.remove"
    MFA_ENROL = "mfa.enrol"
    MFA_RESET = "mfa.reset"
    ORGANISATION_ADD = "organisation.add"
    PASSWORD_CHANGE = "password.change"
    PASSWORD_RESET = "password.reset"
    POLICY_CHANGE = "policy.change"
    REDACT_ENTRY = "redact.entry"
    REQUEST_ACCEPT = "request.accept"
    REQUEST_CANCEL = "request.cancel"
    REQUEST_COMPLETE = "request.complete"
    REQUEST_DECLINE = "request.decline"
    REQUEST_DRAFT = "request.draft"
    REQUEST_SEND = "request.send"
    REQUEST_STOP = "request.stop"
    RETENTION_PRUNE = "retention.prune"
    ROLE_CHANGE = "role.change"
    SESSION_END = "session.end"
    SYSTEM_START = "system.start"
    SYSTEM_STOP = "system.stop"
    USER_ADD = "user.add"
    USER_DISABLE = "user.disable"
    WITNESS_ADD = "witness.add"
    WITNESS_REMOVE = "witness.remove"


class Role(enum.StrEnum):
    """The roles that an account can have had (leaf key ``rol``), the codes of ``roles.toml``."""

    ADMIN = "admin"
    AUDITOR = "auditor"
    CASEWORKER = "caseworker"
    INTERMEDIARY = "intermediary"
    NPO_COORDINATOR = "npo_coordinator"
    NPO_VOLUNTEER = "npo_volunteer"
    SUPERVISOR = "supervisor"


class Decision(enum.StrEnum):
    """What was decided (leaf key ``dec``)."""

    PERMIT = "permit"
    DENY = "deny"


class Reason(enum.StrEnum):
    """Why it was refused, or why it ended (leaf key ``rsn``): the real reason, for the auditor."""

    # what a policy decision says
    ROLE = "role"
    NOT_ASSIGNED = "not_assigned"
    NOT_OFFERED = "not_offered"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    AWAITING_WITNESS = "awaiting_witness"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_ACCEPTED_YET = "not_accepted_yet"
    NOT_A_PARTY = "not_a_party"
    CLOSED = "closed"
    # a rule of cases and consents
    CONDITIONS = "conditions"
    ENDED = "ended"
    INVALIDATED = "invalidated"
    NO_KEY = "no_key"
    NOT_ADDRESSEE = "not_addressee"
    NOT_LIVE = "not_live"
    NOT_TOLD = "not_told"
    SAME_PERSON = "same_person"
    STALE = "stale"
    TOO_LATE = "too_late"
    UNKNOWN_ID = "unknown_id"
    WRONG_STATE = "wrong_state"
    # signing in, and the end of a session
    DISABLED = "disabled"
    IDLE = "idle"
    LOGOUT = "logout"
    NO_SECOND_FACTOR = "no_second_factor"
    PASSWORD_CHANGED = "password_changed"
    ROLE_CHANGED = "role_changed"
    THROTTLED = "throttled"
    TOO_OLD = "too_old"
    UNKNOWN_LOGIN = "unknown_login"
    WRONG_CODE = "wrong_code"
    WRONG_PASSWORD = "wrong_password"


class Purpose(enum.StrEnum):
    """What the values were opened for (leaf key ``pur``)."""

    AUDIT = "audit"
    CASE_REVIEW = "case_review"
    DISCLOSURE = "disclosure"
    FOOD_SUPPORT = "food_support"
    OWN_WORK = "own_work"


class Via(enum.StrEnum):
    """The channel (leaf key ``via``)."""

    API = "api"
    CLI = "cli"
    CSV = "csv"
    JOB = "job"
    MAIL = "mail"
    PRINT = "print"
    UI = "ui"


class Flag(enum.StrEnum):
    """What was known before anything was opened (leaf key ``flg``)."""

    AFTER_HOURS = "after_hours"
    BULK = "bulk"
    PRACTICE = "practice"  # the first entry of each tree of a database that holds practice data


# Where the case must be named: everything about one case, its consents, requests, ledger and releases.
ABOUT_A_CASE = frozenset(
    event
    for event in Event
    if event.value.split(".")[0] in {"case", "consent", "request", "ledger", "field", "disclosure", "erase"}
)
# A scan or a search is about many cases: each case that is shown gets a leaf of its own.
ABOUT_MANY = frozenset({Event.CASE_SCAN, Event.CASE_SEARCH})
# A list may show nothing at all; then its one leaf names no case.
ABOUT_ANY = frozenset({Event.CASE_LIST})
# Refused before any case was found: an unknown id costs an entry too, and names nothing.
BEFORE_THE_CASE = frozenset({Reason.UNKNOWN_ID, Reason.ROLE, Reason.THROTTLED})
