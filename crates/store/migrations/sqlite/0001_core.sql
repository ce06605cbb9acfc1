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
    -- A digest of the subject.
    identity TEXT NOT NULL UNIQUE,
    -- As it was first met.
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
