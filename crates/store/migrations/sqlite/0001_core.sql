-- Times are microseconds since 1970, UTC.

-- What scans found, one for each content.
CREATE TABLE inventory (
    number INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    os TEXT NOT NULL,
    complete INTEGER NOT NULL,
    packages INTEGER NOT NULL,
    observed_at INTEGER NOT NULL,
    first_stored_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    -- The document sekisho.inventory/v1, in zstd.
    document BLOB NOT NULL
) STRICT;
CREATE INDEX inventory_by_name ON inventory (name, identity);

-- Each package once, whoever has it. Two that differ in nothing that decides which vulnerabilities they have are one.
CREATE TABLE package (
    number INTEGER PRIMARY KEY,
    -- A digest of the package URL and the subject.
    identity TEXT NOT NULL UNIQUE,
    purl TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    -- What decides, in JSON.
    subject TEXT NOT NULL,
    -- Whether it has to be judged: it is new, or the advisory database is.
    due INTEGER NOT NULL DEFAULT 1,
    -- Why it could not be judged, or not in full.
    obstacle TEXT
) STRICT;
CREATE INDEX package_by_name ON package (kind, name);
CREATE INDEX package_due ON package (number) WHERE due = 1;

CREATE TABLE inventory_package (
    package INTEGER NOT NULL REFERENCES package (number),
    inventory INTEGER NOT NULL REFERENCES inventory (number) ON DELETE CASCADE,
    PRIMARY KEY (package, inventory)
) STRICT, WITHOUT ROWID;
CREATE INDEX inventory_package_by_inventory ON inventory_package (inventory);

-- What is known of vulnerabilities that something has or had.
CREATE TABLE vulnerability (
    id TEXT NOT NULL PRIMARY KEY,
    exploited INTEGER NOT NULL,
    -- The probability of exploitation in millionths; none where nobody says.
    likelihood INTEGER,
    -- All that is known, in JSON.
    document TEXT NOT NULL
) STRICT;

-- That a package had a vulnerability, from when until when. Where only what is said of it changes, one row ends and the
-- next begins with the same 'since': what was known on any day can be told.
CREATE TABLE finding (
    number INTEGER PRIMARY KEY,
    package INTEGER NOT NULL REFERENCES package (number),
    vulnerability TEXT NOT NULL,
    severity INTEGER NOT NULL,
    fixable INTEGER NOT NULL,
    -- All that is said, in JSON.
    document TEXT NOT NULL,
    since INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    opened_by TEXT NOT NULL,
    closed_at INTEGER,
    closed_by TEXT
) STRICT;
CREATE UNIQUE INDEX finding_open ON finding (package, vulnerability) WHERE closed_at IS NULL;
CREATE INDEX finding_by_vulnerability ON finding (vulnerability, package);
CREATE INDEX finding_by_time ON finding (opened_at, number);

-- Advisory databases that findings were made by; the one that was adopted last judges.
CREATE TABLE advisory_database (
    digest TEXT NOT NULL PRIMARY KEY,
    -- The one whose findings hold for each package that is not due; none where all are.
    predecessor TEXT,
    -- Whether every package about which it says something else is due by now.
    prepared INTEGER NOT NULL,
    -- Whether all that is known of vulnerabilities is what it says.
    described INTEGER NOT NULL,
    adopted_at INTEGER NOT NULL,
    -- What it was built from, in JSON.
    document TEXT NOT NULL
) STRICT;
CREATE INDEX advisory_database_by_time ON advisory_database (adopted_at);

-- Work to be done, by whoever comes first.
CREATE TABLE job (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    -- What it is about: of one kind there is one at a time about it.
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    -- Whoever has it has it until then.
    leased_until INTEGER,
    worker TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    done_steps INTEGER NOT NULL DEFAULT 0,
    all_steps INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    -- Set where it is not tried again.
    given_up INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX job_by_time ON job (given_up, due_at, number);

-- Who may use the hub: people, and robots, which have tokens only. (`user` is a word of PostgreSQL.)
CREATE TABLE account (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- The name in the form in which names are compared.
    folded TEXT NOT NULL UNIQUE,
    robot INTEGER NOT NULL,
    -- A hash of the password, in PHC form; none of robots, and of people for whom somebody else vouches.
    password TEXT,
    -- Whether the password has to be changed before anything else is done.
    must_change INTEGER NOT NULL,
    -- Names of roles, in JSON.
    roles TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Roles that somebody made; the others are part of the program.
CREATE TABLE role (
    name TEXT NOT NULL PRIMARY KEY,
    -- What it permits, and where, in JSON.
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Logins that hold. Secrets are kept as SHA-256 only, here and of tokens.
CREATE TABLE session (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- When it was used, about.
    seen_at INTEGER NOT NULL,
    -- When it ends unless it is used again, and when it ends in any case.
    ends_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_by_account ON session (account);
CREATE INDEX session_by_end ON session (ends_at);

CREATE TABLE token (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret TEXT NOT NULL,
    -- Names of roles, and where they hold, in JSON; of these, what the account has too.
    roles TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- When it was used, about.
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX token_by_account ON token (account);

-- Who did what. Each entry has the hash of the one before in its own; none is changed or removed.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

-- Its last entry, in one row: whoever adds one holds it until that is written.
CREATE TABLE audit_head (
    number INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO audit_head (number, hash) VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');
