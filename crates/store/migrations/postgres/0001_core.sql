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
    -- A digest of the subject.
    identity TEXT COLLATE "C" NOT NULL UNIQUE,
    -- As it was first met.
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
