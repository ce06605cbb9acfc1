-- Times are microseconds since 1970, UTC. Texts are ordered by their bytes, as in SQLite.

-- What scans found, one for each content.
CREATE TABLE inventory (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    os TEXT COLLATE "C" NOT NULL,
    complete BIGINT NOT NULL,
    packages BIGINT NOT NULL,
    observed_at BIGINT NOT NULL,
    first_stored_at BIGINT NOT NULL,
    stored_at BIGINT NOT NULL,
    -- The document sekisho.inventory/v1, in zstd.
    document BYTEA NOT NULL
);
CREATE INDEX inventory_by_name ON inventory (name, identity);

-- Each package once, whoever has it. Two that differ in nothing that decides which vulnerabilities they have are one.
CREATE TABLE package (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A digest of the package URL and the subject.
    identity TEXT COLLATE "C" NOT NULL UNIQUE,
    purl TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    -- What decides, in JSON.
    subject TEXT NOT NULL,
    -- Whether it has to be judged: it is new, or the advisory database is.
    due BIGINT NOT NULL DEFAULT 1,
    -- Why it could not be judged, or not in full.
    obstacle TEXT
);
CREATE INDEX package_by_name ON package (kind, name);
CREATE INDEX package_due ON package (number) WHERE due = 1;

CREATE TABLE inventory_package (
    package BIGINT NOT NULL REFERENCES package (number),
    inventory BIGINT NOT NULL REFERENCES inventory (number) ON DELETE CASCADE,
    PRIMARY KEY (package, inventory)
);
CREATE INDEX inventory_package_by_inventory ON inventory_package (inventory);

-- What is known of vulnerabilities that something has or had.
CREATE TABLE vulnerability (
    id TEXT COLLATE "C" PRIMARY KEY,
    exploited BIGINT NOT NULL,
    -- The probability of exploitation in millionths; none where nobody says.
    likelihood BIGINT,
    -- All that is known, in JSON.
    document TEXT NOT NULL
);

-- That a package had a vulnerability, from when until when. Where only what is said of it changes, one row ends and the
-- next begins with the same 'since': what was known on any day can be told.
CREATE TABLE finding (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    package BIGINT NOT NULL REFERENCES package (number),
    vulnerability TEXT COLLATE "C" NOT NULL,
    severity BIGINT NOT NULL,
    fixable BIGINT NOT NULL,
    -- All that is said, in JSON.
    document TEXT NOT NULL,
    since BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    opened_by TEXT COLLATE "C" NOT NULL,
    closed_at BIGINT,
    closed_by TEXT COLLATE "C"
);
CREATE UNIQUE INDEX finding_open ON finding (package, vulnerability) WHERE closed_at IS NULL;
CREATE INDEX finding_by_vulnerability ON finding (vulnerability, package);
CREATE INDEX finding_by_time ON finding (opened_at, number);

-- Advisory databases that findings were made by; the one that was adopted last judges.
CREATE TABLE advisory_database (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The one whose findings hold for each package that is not due; none where all are.
    predecessor TEXT COLLATE "C",
    -- Whether every package about which it says something else is due by now.
    prepared BIGINT NOT NULL,
    -- Whether all that is known of vulnerabilities is what it says.
    described BIGINT NOT NULL,
    adopted_at BIGINT NOT NULL,
    -- What it was built from, in JSON.
    document TEXT NOT NULL
);
CREATE INDEX advisory_database_by_time ON advisory_database (adopted_at);

-- Work to be done, by whoever comes first.
CREATE TABLE job (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    -- What it is about: of one kind there is one at a time about it.
    subject TEXT COLLATE "C" NOT NULL,
    payload TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    -- Whoever has it has it until then.
    leased_until BIGINT,
    worker TEXT,
    attempt BIGINT NOT NULL DEFAULT 0,
    done_steps BIGINT NOT NULL DEFAULT 0,
    all_steps BIGINT NOT NULL DEFAULT 0,
    failure TEXT,
    -- Set where it is not tried again.
    given_up BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, subject)
);
CREATE INDEX job_by_time ON job (given_up, due_at, number);

-- Who may use the hub: people, and robots, which have tokens only. (`user` is a word of PostgreSQL.)
CREATE TABLE account (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    -- The name in the form in which names are compared.
    folded TEXT COLLATE "C" NOT NULL UNIQUE,
    robot BIGINT NOT NULL,
    -- A hash of the password, in PHC form; none of robots, and of people for whom somebody else vouches.
    password TEXT,
    -- Whether the password has to be changed before anything else is done.
    must_change BIGINT NOT NULL,
    -- Names of roles, in JSON.
    roles TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Roles that somebody made; the others are part of the program.
CREATE TABLE role (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- What it permits, and where, in JSON.
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Logins that hold. Secrets are kept as SHA-256 only, here and of tokens.
CREATE TABLE session (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it was used, about.
    seen_at BIGINT NOT NULL,
    -- When it ends unless it is used again, and when it ends in any case.
    ends_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_by_account ON session (account);
CREATE INDEX session_by_end ON session (ends_at);

CREATE TABLE token (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    secret TEXT NOT NULL,
    -- Names of roles, and where they hold, in JSON; of these, what the account has too.
    roles TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When it was used, about.
    used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX token_by_account ON token (account);

-- Who did what. Each entry has the hash of the one before in its own; none is changed or removed.
CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- Its last entry, in one row: whoever adds one holds it until that is written.
CREATE TABLE audit_head (
    number BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (number, hash) VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');
