//! Users, sessions, tokens and roles over a database, at times that the tests set.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(clippy::panic, reason = "helpers of tests fail as tests do")]

mod audit;
mod sessions;
mod tokens;
mod users;

use jiff::{SignedDuration, Timestamp};
use sekisho_base::clock::Clock;
use sekisho_identity::{Cost, Denied, Identity, IdentityError, Login, NewUser, Origin, Principal, Secret, Settings};
use sekisho_store::{Store, User};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A password that is good enough.
const GOOD: &str = "correct horse battery";

/// A clock that stands until it is moved.
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct World {
    identity: Arc<Identity>,
    store: Store,
    clock: Arc<TestClock>,
    directory: TempDir,
    /// Another address for each login, so that only the test about that has to wait.
    address: Mutex<u32>,
}

impl World {
    /// A hub with nobody in it.
    async fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("hub.db").display());
        let store = Store::open(&url).await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000_000)));
        let identity = Arc::new(Self::identity(&store, &clock, 8));
        Self { identity, store, clock, directory, address: Mutex::new(0) }
    }

    fn identity(store: &Store, clock: &Arc<TestClock>, memory_kib: u32) -> Identity {
        let settings = Settings { cost: Cost { memory_kib, passes: 1 }, ..Settings::default() };
        Identity::with(store.clone(), Arc::clone(clock) as Arc<dyn Clock>, settings)
    }

    /// A hub with an administrator `admin`, and who that is.
    async fn new() -> (Self, Principal) {
        let world = Self::empty().await;
        let first = world.identity.bootstrap().await.unwrap().unwrap();
        world.settle("admin", first.password.expose()).await;
        let login = world.login("admin", GOOD).await.unwrap();
        let admin = world.who(&login.secret).await.unwrap();
        (world, admin)
    }

    /// Adds somebody with these roles, who has logged in.
    async fn person(&self, by: &Principal, name: &str, roles: &[&str]) -> Principal {
        let (_, password) = self.identity.user_add(by, &new_user(name, roles)).await.unwrap();
        self.settle(name, password.unwrap().expose()).await;
        let login = self.login(name, GOOD).await.unwrap();
        self.who(&login.secret).await.unwrap()
    }

    async fn robot(&self, by: &Principal, name: &str, roles: &[&str]) -> User {
        let new = NewUser { robot: true, ..new_user(name, roles) };
        let (user, password) = self.identity.user_add(by, &new).await.unwrap();
        assert_eq!(password, None);
        user
    }

    /// Changes a password for one login.
    async fn settle(&self, name: &str, password: &str) {
        let login = self.login(name, password).await.unwrap();
        assert!(login.must_change);
        let who = self.who(&login.secret).await.unwrap();
        self.identity.password_change(&who, password, GOOD).await.unwrap();
        self.identity.logout(&who).await.unwrap();
    }

    async fn login(&self, name: &str, password: &str) -> Result<Login, IdentityError> {
        let number = {
            let mut address = self.address.lock().unwrap();
            *address += 1;
            *address
        };
        self.identity.login(name, password, &from(number)).await
    }

    async fn who(&self, secret: &Secret) -> Result<Principal, IdentityError> {
        self.identity.authenticate(secret.expose()).await
    }

    fn wait(&self, duration: SignedDuration) {
        self.clock.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

fn from(number: u32) -> Origin {
    Origin { address: IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number)), agent: "agent\r\n日本".to_owned() }
}

fn new_user(name: &str, roles: &[&str]) -> NewUser {
    NewUser { name: name.to_owned(), robot: false, roles: strings(roles) }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Why somebody was not let in.
fn denied<T: std::fmt::Debug>(result: Result<T, IdentityError>) -> Denied {
    match result {
        Err(IdentityError::Denied(denied)) => denied,
        other => panic!("{other:?}"),
    }
}

/// A text with the id of one token or session and the secret of another, and the right checksum.
fn forged(id: &Secret, secret: &Secret) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let (id, secret) = (id.expose(), secret.expose());
    let mut text = format!("{}{}", &id[..id.len() - 49], &secret[secret.len() - 49..secret.len() - 6]);
    let sum = crc32fast::hash(text.as_bytes());
    for power in (0..6).rev() {
        text.push(char::from(DIGITS[(sum / 62_u32.pow(power) % 62) as usize]));
    }
    text
}

/// Which kind of error, and what it says.
fn error<T: std::fmt::Debug>(result: Result<T, IdentityError>) -> (&'static str, String) {
    let error = result.unwrap_err();
    let kind = match &error {
        IdentityError::Denied(_) => "denied",
        IdentityError::Forbidden { .. } => "forbidden",
        IdentityError::Beyond { .. } => "beyond",
        IdentityError::MustChange => "must change",
        IdentityError::Invalid { .. } => "invalid",
        IdentityError::Absent { .. } => "absent",
        IdentityError::Conflict(_) => "conflict",
        _ => "other",
    };
    (kind, error.to_string())
}
