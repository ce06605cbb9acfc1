//! What the name of an image says, in the language of the API server: what [`ImageRef::familiar`] reads in it.
//!
//! Expressions are about a text that is called `i`. A name that no registry takes is unknown to our own policies; here it is
//! an error, which the server's logic carries along in the same way.
//!
//! [`ImageRef::familiar`]: sekisho_model::ImageRef::familiar

/// A word of the repository's name.
const COMPONENT: &str = r"[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*";
const TAG_AND_DIGEST: &str = r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?";
/// Whether what is before the first line is a registry.
const HAS_REGISTRY: &str = r"i.matches(r'^(localhost|[^/]*[.:][^/]*)/')";
/// The name without the registry that it is written with.
const REST: &str = "(i.matches(r'^(localhost|[^/]*[.:][^/]*)/') ? i.substring(i.indexOf('/') + 1) : i)";

/// The names of the images of the container `c`, and of the volumes that it mounts.
pub(super) const NAMES: &str = "([has(c.image) ? c.image : ''] + (has(c.volumeMounts) && has(variables.spec.volumes) ? \
    variables.spec.volumes.filter(v, has(v.image) && c.volumeMounts.exists(m, m.name == v.name)).map(v, \
    has(v.image.reference) ? v.image.reference : '') : []))";

/// `test` where the name is one that a registry takes, else an error.
pub(super) fn where_taken(test: &str) -> String {
    let repository = format!("{COMPONENT}(/{COMPONENT})*{TAG_AND_DIGEST}$");
    let registry = r"[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*";
    format!(
        "({HAS_REGISTRY} ? i.matches(r'^{registry}/{repository}') && i.find('/[^:@]*').size() <= 256 : \
         i.matches(r'^{repository}') && i.find('^[^:@]*').size() <= 255) ? {test} : [{test}][1]"
    )
}

/// The registry.
pub(super) fn registry() -> String {
    format!("({HAS_REGISTRY} && !i.startsWith('index.docker.io/') ? i.split('/')[0] : 'docker.io')")
}

/// The repository in it.
pub(super) fn repository() -> String {
    let name = format!("{REST}.split('@')[0].split(':')[0]");
    format!("({} == 'docker.io' && !{name}.contains('/') ? 'library/' : '') + {name}", registry())
}

/// The tag: `latest` where nothing is said, nothing where only a digest is.
pub(super) fn tag() -> String {
    let named = format!("{REST}.split('@')[0]");
    format!("({named}.contains(':') ? {named}.split(':')[1] : i.contains('@') ? '' : 'latest')")
}

/// Whether there is a digest.
pub(super) const HAS_DIGEST: &str = "i.contains('@')";
