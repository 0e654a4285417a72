"""Every action there is, by the name that a route, a command and ``roles.toml`` call it.

Rules
1. The list is closed and alphabetical. A name is ``thing:verb``.
2. A route names exactly one action; a route without one stops the app at start.
3. Only the public ones need no sign-in, and they stand in no table of rights: they are nobody's right.
"""

from enum import StrEnum


class Action(StrEnum):
    """What somebody wants to do. ``roles.toml`` has a row for each, but for the public ones."""

    CASE_ASSIGN = "case:assign"
    CASE_CLOSE = "case:close"
    CASE_CONDITIONS = "case:conditions"
    CASE_CREATE = "case:create"
    CASE_DISCLOSE = "case:disclose"
    CASE_LIST = "case:list"
    CASE_LOOKS = "case:looks"
    CASE_READ = "case:read"
    CASE_SEARCH = "case:search"
    CASE_UPDATE = "case:update"
    CONSENT_CHANGE = "consent:change"
    CONSENT_CONFIRM = "consent:confirm"
    CONSENT_READ = "consent:read"
    CONSENT_RECORD = "consent:record"
    CONSENT_RENEW = "consent:renew"
    CONSENT_WITHDRAW = "consent:withdraw"
    DISCLOSURE_APPROVE = "disclosure:approve"
    DISCLOSURE_LIST = "disclosure:list"
    HEALTH_READ = "health:read"
    INBOX_READ = "inbox:read"
    LEDGER_CORRECT = "ledger:correct"
    LEDGER_DELIVER = "ledger:deliver"
    LEDGER_OBSERVE = "ledger:observe"
    LEDGER_READ = "ledger:read"
    LEDGER_REPLY = "ledger:reply"
    LOG_COSIGN = "log:cosign"
    LOG_EXPORT = "log:export"
    LOG_HASHES = "log:hashes"
    LOG_LIST = "log:list"
    LOG_PROVE = "log:prove"
    LOG_READ = "log:read"
    LOG_REVIEW = "log:review"
    NOTICE_READ = "notice:read"
    ORGANISATION_CONFIRM = "organisation:confirm"
    ORGANISATION_CREATE = "organisation:create"
    ORGANISATION_LIST = "organisation:list"
    ORGANISATION_STOP = "organisation:stop"
    RECEIPT_READ = "receipt:read"
    REPORT_READ = "report:read"
    REQUEST_ACCEPT = "request:accept"
    REQUEST_CANCEL = "request:cancel"
    REQUEST_COMPLETE = "request:complete"
    REQUEST_CREATE = "request:create"
    REQUEST_DECLINE = "request:decline"
    REQUEST_READ = "request:read"
    REQUEST_SEND = "request:send"
    SCHEMA_READ = "schema:read"
    SESSION_CREATE = "session:create"
    SESSION_END = "session:end"
    SESSION_PASSWORD = "session:password"
    SESSION_READ = "session:read"
    USER_CONFIRM = "user:confirm"
    USER_INVITE = "user:invite"
    USER_LIST = "user:list"
    USER_NARROW = "user:narrow"
    USER_RESET = "user:reset"
    USER_STOP = "user:stop"
    USER_WIDEN = "user:widen"


PUBLIC = frozenset({Action.HEALTH_READ, Action.SCHEMA_READ, Action.SESSION_CREATE})
"""The actions that need no sign-in."""

WATCHED = frozenset({Action.LOG_COSIGN, Action.LOG_HASHES})
"""The actions that a witness's program has too, for its one tree and with a token of its own."""

OF_ONE_CASE = frozenset(
    {
        Action.CASE_ASSIGN,
        Action.CASE_CLOSE,
        Action.CASE_CONDITIONS,
        Action.CASE_DISCLOSE,
        Action.CASE_LOOKS,
        Action.CASE_READ,
        Action.CASE_UPDATE,
        Action.CONSENT_CHANGE,
        Action.CONSENT_CONFIRM,
        Action.CONSENT_READ,
        Action.CONSENT_RECORD,
        Action.CONSENT_RENEW,
        Action.CONSENT_WITHDRAW,
        Action.LEDGER_CORRECT,
        Action.LEDGER_DELIVER,
        Action.LEDGER_OBSERVE,
        Action.LEDGER_READ,
        Action.LEDGER_REPLY,
        Action.REQUEST_ACCEPT,
        Action.REQUEST_CANCEL,
        Action.REQUEST_COMPLETE,
        Action.REQUEST_CREATE,
        Action.REQUEST_DECLINE,
        Action.REQUEST_READ,
        Action.REQUEST_SEND,
    }
)
"""The actions about one existing case. Lists and searches are not among them: what each of their rows may
show is decided by ``case:read`` or ``request:read`` with the facts of that case."""

SHOWING = frozenset(
    {
        Action.CASE_CREATE,
        Action.CASE_READ,
        Action.CASE_UPDATE,
        Action.LEDGER_CORRECT,
        Action.LEDGER_DELIVER,
        Action.LEDGER_OBSERVE,
        Action.LEDGER_READ,
        Action.LEDGER_REPLY,
        Action.REQUEST_ACCEPT,
        Action.REQUEST_CANCEL,
        Action.REQUEST_COMPLETE,
        Action.REQUEST_CREATE,
        Action.REQUEST_DECLINE,
        Action.REQUEST_READ,
        Action.REQUEST_SEND,
    }
)
"""The actions that show or write fields of a case, a new one included. All others answer with no field."""
