//! Passwords: which are good enough, and their hashes, of which only so many are made at a time.

use crate::error::IdentityError;
use crate::name::fold;
use crate::random;
use argon2::password_hash::Error;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sekisho_base::Secret;
use sekisho_store::StoreError;
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use unicode_normalization::UnicodeNormalization as _;

/// Characters that a password has at least.
const LEAST: usize = 12;
/// Bytes that are looked at; more than any password has that somebody types or keeps in a manager of passwords.
const MOST_BYTES: usize = 1024;
/// How many are hashed at a time: each takes the memory of [`Cost`], and a core.
const AT_ONCE: usize = 2;
/// How many wait for that or are hashed; who comes then is told to come again.
const WAITING: usize = 64;

/// How much work a password hash is. By default that of OWASP's Password Storage Cheat Sheet for argon2id: 19 MiB, two passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB, 8 at least.
    pub memory_kib: u32,
    /// Passes over it, 1 at least.
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: Params::DEFAULT_M_COST, passes: Params::DEFAULT_T_COST }
    }
}

/// What a look at a password came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) matches: bool,
    /// Whether the hash is of another cost than it would be now.
    pub(crate) outdated: bool,
}

/// Makes hashes and compares with them, away from the tasks of others.
#[derive(Debug)]
pub(crate) struct Hasher {
    argon: Argon2<'static>,
    memory: Memory,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Hasher {
    pub(crate) fn new(cost: Cost) -> Self {
        let params = Params::new(cost.memory_kib.max(Params::MIN_M_COST), cost.passes.max(Params::MIN_T_COST), 1, None);
        Self {
            argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params.unwrap_or_default()),
            memory: Memory::default(),
            places: Arc::new(Semaphore::new(WAITING)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The hash of a password, in PHC form.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<Secret, IdentityError> {
        let salt: [u8; 16] = random::bytes()?;
        let (argon, memory, password) = (self.argon.clone(), self.memory.clone(), password.clone());
        let output = self.turn(move || memory.hash(&argon, &password, &salt, Params::DEFAULT_OUTPUT_LEN)).await??;
        Ok(Secret::new(self.phc(&salt, &output).map_err(failed)?.to_string()))
    }

    /// Whether a password is that of a hash. Without one, it is compared all the same, with a hash that no password has: there is
    /// no other way through this for users that are not there.
    pub(crate) async fn verify(&self, password: &Secret, hash: Option<&Secret>) -> Result<Verdict, IdentityError> {
        let compared = match hash {
            Some(hash) => PasswordHash::new(hash.expose()).map_err(|error| damaged(&error))?,
            None => self.decoy()?,
        };
        let (Some(salt), Some(expected)) = (compared.salt, compared.hash) else {
            return Err(damaged(&Error::EncodingInvalid));
        };
        let params = Params::try_from(&compared).map_err(|error| damaged(&error))?;
        let algorithm = Algorithm::try_from(compared.algorithm.as_str()).map_err(|error| damaged(&error))?;
        let version =
            compared.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(|error| damaged(&error))?;
        let now = self.argon.params();
        let outdated = (params.m_cost(), params.t_cost(), params.p_cost())
            != (now.m_cost(), now.t_cost(), now.p_cost())
            || algorithm != Algorithm::Argon2id
            || version != Version::V0x13;
        let argon = Argon2::new(algorithm, version, params);
        let (memory, password) = (self.memory.clone(), password.clone());
        let output = self.turn(move || memory.hash(&argon, &password, &salt, expected.len())).await??;
        Ok(Verdict { matches: output.ct_eq(expected.as_bytes()).into(), outdated })
    }

    /// A hash of the present cost that is of no password: its output is random.
    fn decoy(&self) -> Result<PasswordHash, IdentityError> {
        let (salt, output): ([u8; 16], [u8; 32]) = (random::bytes()?, random::bytes()?);
        self.phc(&salt, &output).map_err(failed)
    }

    fn phc(&self, salt: &[u8], output: &[u8]) -> Result<PasswordHash, Error> {
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(self.argon.params())?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(output)?),
        })
    }

    /// Runs `work` when it is its turn. The turn lasts as long as the work does, whoever has stopped to wait for it.
    async fn turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, IdentityError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| IdentityError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| IdentityError::Busy)?;
        let work = move || {
            let _held = (place, turn);
            work()
        };
        spawn_blocking(work).await.map_err(|error| IdentityError::Hash(error.to_string()))
    }
}

/// Memory in which hashes are made, kept for the next: allocated and freed each time it leaves holes in which others' small things
/// settle, so that a thousand attempts to log in take gigabytes.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    fn hash(
        &self,
        argon: &Argon2<'_>,
        password: &Secret,
        salt: &[u8],
        length: usize,
    ) -> Result<Vec<u8>, IdentityError> {
        let count = argon.params().block_count();
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        if blocks.len() < count {
            blocks.try_reserve_exact(count - blocks.len()).map_err(|error| IdentityError::Hash(error.to_string()))?;
            blocks.resize(count, Block::default());
        }
        let mut output = vec![0; length];
        let made =
            argon.hash_password_into_with_memory(password.expose().as_bytes(), salt, &mut output, &mut blocks[..count]);
        // What is in it follows from the password.
        blocks.fill(Block::default());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
        made.map(|()| output).map_err(|error| IdentityError::Hash(error.to_string()))
    }
}

fn failed(error: Error) -> IdentityError {
    IdentityError::Hash(error.to_string())
}

fn damaged(error: &dyn std::error::Error) -> IdentityError {
    StoreError::Damaged { what: "a password".to_owned(), reason: error.to_string() }.into()
}

/// A password as it is hashed: composed (NFC), so that it is the same on every keyboard. None where it is longer than any; that is
/// seen before anything is done with it.
pub(crate) fn typed(password: &str) -> Option<Secret> {
    (password.len() <= MOST_BYTES).then(|| Secret::new(password.nfc().collect()))
}

/// A password that a user called `name` may have.
pub(crate) fn chosen(password: &str, name: &str) -> Result<Secret, IdentityError> {
    let invalid = |reason: &str| IdentityError::Invalid { what: "this password", reason: reason.to_owned() };
    let secret = typed(password).ok_or_else(|| invalid("it is longer than 1024 bytes"))?;
    if secret.expose().chars().count() < LEAST {
        return Err(invalid("it has fewer than 12 characters"));
    }
    // The name, or hardly more than it.
    let (folded, name) = (fold(secret.expose()), fold(name));
    if folded.contains(&name) && folded.replace(&name, "").chars().count() < LEAST / 2 {
        return Err(invalid("it is the name of the user with little else"));
    }
    Ok(secret)
}

/// A password for one login: 126 bits.
pub(crate) fn one_time() -> Result<Secret, IdentityError> {
    let bytes: [u8; 16] = random::bytes()?;
    Ok(Secret::new(random::base62(&bytes, 22)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1 };

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn weak_ones_are_refused() {
        let long = "a".repeat(1 << 20);
        let cases: [(&str, &str); 5] = [
            ("elevenchars", "fewer than 12"),
            ("", "fewer than 12"),
            (&long, "longer than 1024"),
            ("Administrator", "the name of the user"),
            ("ADMINISTRATOR-1", "the name of the user"),
        ];
        for (password, expect) in cases {
            let error = chosen(password, "administrator").unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
            assert!(password.is_empty() || !error.contains(password));
        }
        for good in ["twelve chars", "a\0b\0c\0d\0e\0f\0", "日本語のとても長いパスワード", "administrator-and-more"]
        {
            assert!(chosen(good, "administrator").is_ok(), "{good}");
        }
    }

    #[tokio::test]
    async fn a_hash_is_of_one_password() {
        let hasher = Hasher::new(CHEAP);
        let hash = hasher.hash(&secret("a\0b e\u{301}")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.expose());
        assert_ne!(hasher.hash(&secret("a\0b")).await.unwrap(), hasher.hash(&secret("a\0b")).await.unwrap());
        for (password, matches) in [("a\0b e\u{301}", true), ("a", false), ("a\0c e\u{301}", false), ("", false)] {
            assert_eq!(
                hasher.verify(&secret(password), Some(&hash)).await.unwrap(),
                Verdict { matches, outdated: false }
            );
        }
        // What is composed in another way is the same password; what nobody can type is not looked at.
        assert_eq!(typed("e\u{301}"), typed("\u{e9}"));
        assert_eq!(typed(&"a".repeat(1025)), None);
    }

    #[tokio::test]
    async fn who_is_not_there_costs_the_same() {
        let hasher = Hasher::new(CHEAP);
        let verdict = hasher.verify(&secret("x"), None).await.unwrap();
        assert_eq!(verdict, Verdict { matches: false, outdated: false });
        let (decoy, real) = (hasher.decoy().unwrap(), hasher.hash(&secret("x")).await.unwrap());
        let real = PasswordHash::new(real.expose()).unwrap();
        assert_eq!((decoy.params.as_str(), decoy.algorithm), (real.params.as_str(), real.algorithm));
        assert_eq!(decoy.salt.map(|salt| salt.len()), real.salt.map(|salt| salt.len()));
        assert_eq!(decoy.hash.map(|hash| hash.len()), real.hash.map(|hash| hash.len()));
    }

    #[tokio::test]
    async fn hashes_of_another_cost_are_outdated() {
        let hash = Hasher::new(CHEAP).hash(&secret("x")).await.unwrap();
        let now = Hasher::new(Cost { memory_kib: 16, passes: 1 });
        assert_eq!(now.verify(&secret("x"), Some(&hash)).await.unwrap(), Verdict { matches: true, outdated: true });
        for damaged in
            ["", "x", "$argon2id$v=19$m=8,t=1,p=1", "$scrypt$ln=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"]
        {
            let result = now.verify(&secret("x"), Some(&secret(damaged))).await;
            assert!(matches!(result, Err(IdentityError::Store(_))), "{damaged}: {result:?}");
        }
        assert_eq!(Hasher::new(Cost { memory_kib: 0, passes: 0 }).argon.params().m_cost(), 8);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_so_many_are_hashed_at_a_time() {
        let hasher = Arc::new(Hasher::new(CHEAP));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let attempts: Vec<_> = (0..WAITING)
            .map(|_| {
                let (hasher, running, most, gate) =
                    (Arc::clone(&hasher), Arc::clone(&running), Arc::clone(&most), Arc::clone(&gate));
                tokio::spawn(async move {
                    let work = move || {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        let _ = gate.lock().map(|gate| gate.recv());
                        running.fetch_sub(1, Ordering::SeqCst);
                    };
                    hasher.turn(work).await
                })
            })
            .collect();
        while hasher.places.available_permits() > 0 || running.load(Ordering::SeqCst) < AT_ONCE {
            tokio::task::yield_now().await;
        }
        // All places are taken: the next is sent away at once.
        assert!(matches!(hasher.hash(&secret("x")).await, Err(IdentityError::Busy)));
        // Who stops to wait gives back the place, but no turn while the work goes on.
        for attempt in attempts.iter().skip(1) {
            attempt.abort();
        }
        while hasher.places.available_permits() < WAITING - AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hasher.turns.available_permits(), 0);
        drop(open);
        let _ = attempts.into_iter().next().unwrap().await;
        while hasher.places.available_permits() + hasher.turns.available_permits() < WAITING + AT_ONCE {
            tokio::task::yield_now().await;
        }
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    }
}
