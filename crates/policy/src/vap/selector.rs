//! Which objects a policy is about: selectors of labels and rules for resources
//! (<https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/validating-admission-policy-v1/>).

use crate::manifest::Resource;
use sekisho_base::tree::{Node, Place, Value};

/// Whether something is so; where that is not known, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sure {
    Yes,
    No,
    Maybe(String),
}

impl Sure {
    fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }

    pub(super) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Maybe(why) => match other() {
                Self::No => Self::No,
                _ => Self::Maybe(why),
            },
        }
    }

    fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes => Self::Yes,
            Self::No => other(),
            Self::Maybe(why) => match other() {
                Self::Yes => Self::Yes,
                _ => Self::Maybe(why),
            },
        }
    }
}

/// What is wrong with a field, and where.
pub(super) type Wrong = (Place, String);

/// Labels, of which those that are not listed may not be known.
pub(super) struct Labels<'a> {
    pub(super) known: Vec<(&'a str, &'a str)>,
    /// Why there may be more.
    pub(super) more: Option<String>,
}

impl<'a> Labels<'a> {
    /// Those of an object.
    pub(super) fn of(node: &'a Node) -> Self {
        let labels = node.at(&["metadata", "labels"]).map(Node::fields).unwrap_or_default();
        let known = labels.iter().map(|field| (field.name.as_str(), field.node.as_str().unwrap_or_default()));
        Self { known: known.collect(), more: None }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// A selector of labels; an empty one selects all.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    terms: Vec<(String, Term)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

impl Selector {
    pub(super) fn read(node: Option<&Node>) -> Result<Self, Wrong> {
        let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(Self::default()) };
        if !matches!(node.value, Value::Map(_)) {
            return Err((node.place, format!("is {}, where a selector belongs", node.kind())));
        }
        let mut terms = Vec::new();
        for field in node.get("matchLabels").map(Node::fields).unwrap_or_default() {
            let value = field.node.as_str().ok_or_else(|| (field.place, "has a label that is no text".to_owned()))?;
            terms.push((field.name.clone(), Term::In(vec![value.to_owned()])));
        }
        for expression in node.get("matchExpressions").map(Node::items).unwrap_or_default() {
            let text = |name: &str| expression.get(name).and_then(Node::as_str).unwrap_or_default();
            let values = texts(expression.get("values"));
            let term = match (text("operator"), values.is_empty()) {
                ("In", false) => Term::In(values),
                ("NotIn", false) => Term::NotIn(values),
                ("Exists", true) => Term::Exists,
                ("DoesNotExist", true) => Term::DoesNotExist,
                (other, _) => return Err((expression.place, format!("selects by {other:?}, which cannot be read so"))),
            };
            terms.push((text("key").to_owned(), term));
        }
        Ok(Self { terms })
    }

    pub(super) fn selects(&self, labels: &Labels<'_>) -> Sure {
        self.terms.iter().fold(Sure::Yes, |so_far, (key, term)| {
            so_far.and(|| {
                let value = labels.get(key);
                if let (None, Some(why)) = (value, &labels.more) {
                    return Sure::Maybe(format!("{why}, so that nobody can say whether it has the label {key}"));
                }
                let listed = |values: &[String]| value.is_some_and(|value| values.iter().any(|it| it == value));
                Sure::of(match term {
                    Term::In(values) => listed(values),
                    Term::NotIn(values) => !listed(values),
                    Term::Exists => value.is_some(),
                    Term::DoesNotExist => value.is_none(),
                })
            })
        })
    }
}

/// The texts of a list.
pub(super) fn texts(node: Option<&Node>) -> Vec<String> {
    node.map(Node::items).unwrap_or_default().iter().filter_map(Node::as_str).map(str::to_owned).collect()
}

/// A rule for resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    operations: Vec<String>,
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    scope: String,
    names: Vec<String>,
}

/// What a policy, or the binding of one, is about.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Matching {
    rules: Vec<Rule>,
    excluded: Vec<Rule>,
    namespaces: Selector,
    objects: Selector,
    exact: bool,
}

/// What is to be done, and to what.
pub(super) struct Subject<'a> {
    /// `CREATE`
    pub(super) operation: &'a str,
    pub(super) resource: &'a Resource,
    /// The part of the resource; empty for all of it.
    pub(super) part: &'a str,
    /// The name; none where the server makes one.
    pub(super) name: &'a str,
    /// Those of the object, and of what it was before.
    pub(super) labels: Vec<Labels<'a>>,
    /// Those of its namespace; none where it is in none.
    pub(super) namespace_labels: Option<Labels<'a>>,
}

impl Matching {
    pub(super) fn read(node: Option<&Node>) -> Result<Self, Wrong> {
        let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(Self::default()) };
        let exact =
            match node.get("matchPolicy").filter(|policy| !policy.is_null()).map(|policy| (policy, policy.as_str())) {
                None | Some((_, Some("Equivalent"))) => false,
                Some((_, Some("Exact"))) => true,
                Some((policy, _)) => return Err((policy.place, "is neither Exact nor Equivalent".to_owned())),
            };
        Ok(Self {
            rules: rules(node.get("resourceRules"))?,
            excluded: rules(node.get("excludeResourceRules"))?,
            namespaces: Selector::read(node.get("namespaceSelector"))?,
            objects: Selector::read(node.get("objectSelector"))?,
            exact,
        })
    }

    /// Whether rules are there, which a policy has to have.
    pub(super) fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Whether it is about what is to be done.
    pub(super) fn is_about(&self, subject: &Subject<'_>) -> Sure {
        let namespace = match &subject.namespace_labels {
            // What is in no namespace is not selected by any.
            None => Sure::Yes,
            Some(labels) => self.namespaces.selects(labels),
        };
        let is_selected = || match subject.labels.as_slice() {
            _ if self.objects.terms.is_empty() => Sure::Yes,
            // One of the two is enough, and what has no labels is never selected.
            labels => labels.iter().fold(Sure::No, |so_far, labels| so_far.or(|| self.objects.selects(labels))),
        };
        namespace.and(is_selected).and(|| match self.matches(&self.excluded, subject) {
            Sure::Yes => Sure::No,
            Sure::No if self.rules.is_empty() => Sure::Yes,
            Sure::No => self.matches(&self.rules, subject),
            maybe @ Sure::Maybe(_) => maybe,
        })
    }

    fn matches(&self, rules: &[Rule], subject: &Subject<'_>) -> Sure {
        let mut maybe = None;
        for rule in rules {
            match rule.names_of(subject, &subject.resource.group, Some(&subject.resource.version)) {
                Sure::Yes => return Sure::Yes,
                Sure::Maybe(why) => maybe = Some(why),
                Sure::No => {}
            }
        }
        if self.exact {
            return maybe.map_or(Sure::No, Sure::Maybe);
        }
        // The same objects in another version: the server turns them into that before it asks.
        for rule in rules {
            let groups = subject.resource.groups();
            for group in groups {
                if rule.names_of(subject, group, None) != Sure::No {
                    let versions = rule.versions.join(", ");
                    maybe.get_or_insert_with(|| {
                        format!("it is asked about {group}/{versions}, into which only a server turns the object")
                    });
                }
            }
        }
        maybe.map_or(Sure::No, Sure::Maybe)
    }
}

fn rules(node: Option<&Node>) -> Result<Vec<Rule>, Wrong> {
    node.map(Node::items).unwrap_or_default().iter().map(Rule::read).collect()
}

impl Rule {
    fn read(node: &Node) -> Result<Self, Wrong> {
        let rule = Self {
            operations: texts(node.get("operations")),
            groups: texts(node.get("apiGroups")),
            versions: texts(node.get("apiVersions")),
            resources: texts(node.get("resources")),
            scope: node.get("scope").and_then(Node::as_str).unwrap_or("*").to_owned(),
            names: texts(node.get("resourceNames")),
        };
        let lists = [
            ("operations", &rule.operations),
            ("apiGroups", &rule.groups),
            ("apiVersions", &rule.versions),
            ("resources", &rule.resources),
        ];
        let missing = lists.into_iter().find(|(_, list)| list.is_empty()).map(|(name, _)| name);
        match missing {
            Some(name) => Err((node.place, format!("has a rule without {name}"))),
            None => Ok(rule),
        }
    }

    /// Whether it is about this being done to what is in this group, and in this version where one matters.
    fn names_of(&self, subject: &Subject<'_>, group: &str, version: Option<&str>) -> Sure {
        let has = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
        let resource = subject.resource;
        let names_resource = self.resources.iter().any(|item| {
            let (name, below) = item.split_once('/').unwrap_or((item, ""));
            // `*` and `*/*` are all; `pods/*` is what is below pods, and pods.
            (below == subject.part || below == "*") && (name == "*" || name == resource.name)
        });
        let in_scope = match &*self.scope {
            "Cluster" => !resource.namespaced,
            "Namespaced" => resource.namespaced,
            _ => true,
        };
        let about = has(&self.operations, subject.operation)
            && has(&self.groups, group)
            && version.is_none_or(|version| has(&self.versions, version))
            && names_resource
            && in_scope;
        if !about || self.names.is_empty() {
            return Sure::of(about);
        }
        Sure::of(self.names.iter().any(|name| name == subject.name))
    }
}
