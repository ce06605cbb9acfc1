//! What is asked of the API server, for policies in other languages: they say themselves which operations they are about,
//! and may look at who asks, at what was before and at the namespace.

use crate::manifest::Object;
use sekisho_base::limits::Deadline;
use sekisho_base::tree::Node;
use sekisho_model::Fact;

/// A request for admission, as the API server describes it
/// (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request>).
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The request without its objects: `operation`, `resource`, `userInfo` and the rest.
    pub node: &'a Node,
    /// The object as it would be; none where it is deleted.
    pub object: Option<&'a Object>,
    /// The object as it was; none where it is made.
    pub old: Option<&'a Object>,
    /// The namespace that it is in; not asked for where it is in none.
    pub namespace: Fact<&'a Object>,
    /// Until when it is to be judged; none where there is no hurry.
    pub deadline: Option<Deadline>,
}

impl Request<'_> {
    /// A field of the request, such as `resource.group`, or nothing.
    pub(crate) fn text(&self, names: &[&str]) -> &str {
        self.node.at(names).and_then(Node::as_str).unwrap_or_default()
    }

    /// Whether it is about a namespace itself.
    pub(crate) fn is_of_namespace(&self) -> bool {
        self.text(&["resource", "resource"]) == "namespaces" && self.text(&["resource", "group"]).is_empty()
    }
}

/// What policies in other languages are asked about.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// A manifest, as if it were made now by somebody unknown.
    Manifest(&'a Object),
    /// A request.
    Request(&'a Request<'a>),
}

impl<'a> Asked<'a> {
    /// Until when somebody waits for the answer.
    pub(crate) fn deadline(self) -> Option<Deadline> {
        match self {
            Self::Manifest(_) => None,
            Self::Request(request) => request.deadline,
        }
    }

    /// What is looked at: what is deleted is looked at as it was. None where the request has no object.
    pub(crate) fn object(self) -> Option<&'a Object> {
        match self {
            Self::Manifest(object) => Some(object),
            Self::Request(request) => request.object.or(request.old),
        }
    }
}
