//! XML as elements with their text, for the few formats that still are: no tree, no entities but the five of XML.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// What is met next. Names are without their namespace's prefix.
pub enum Node<'a> {
    /// An element begins.
    Open(&'a str, Attributes<'a>),
    /// An element ends; the text is what stands in it behind its last child.
    Close(&'a str, String),
}

/// The attributes of an element.
pub struct Attributes<'a>(&'a BytesStart<'a>);

impl Attributes<'_> {
    /// The value of the attribute with this name; empty where there is none.
    pub fn get(&self, name: &str) -> String {
        self.find(|own| own == name)
    }

    /// The same for formats in which names are of either case.
    pub fn get_any_case(&self, name: &str) -> String {
        self.find(|own| own.eq_ignore_ascii_case(name))
    }

    fn find(&self, is: impl Fn(&str) -> bool) -> String {
        let mut attributes = self.0.attributes();
        let found = attributes.with_checks(false).flatten().find(|attribute| is(attribute.key.local_name().as_ref()));
        found.and_then(|it| it.normalized_value(XmlVersion::Implicit1_0).ok()).unwrap_or_default().into_owned()
    }
}

/// Why a text is no XML.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

/// Calls `visit` for each element, in the order of the text; what came before a fault has been visited.
pub fn read(text: &str, mut visit: impl FnMut(Node<'_>)) -> Result<(), Malformed> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut content = String::new();
    let mut depth = 0_usize;
    let mut any = false;
    loop {
        match reader.read_event().map_err(|error| Malformed(error.to_string()))? {
            Event::Start(start) => {
                (depth, any) = (depth + 1, true);
                content.clear();
                visit(Node::Open(start.local_name().as_ref(), Attributes(&start)));
            }
            Event::End(end) => {
                // The reader has checked that it closes what is open.
                depth = depth.saturating_sub(1);
                visit(Node::Close(end.local_name().as_ref(), std::mem::take(&mut content)));
            }
            Event::Text(text) => content.push_str(&text.xml10_content()),
            Event::CData(text) => content.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                match reference.resolve_char_ref().map_err(|error| Malformed(error.to_string()))? {
                    Some(char) => content.push(char),
                    None => content.push_str(entity(&reference)),
                }
            }
            Event::Eof if depth > 0 || !any => return Err(Malformed("the document is not whole".to_owned())),
            Event::Eof => return Ok(()),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// The name of the outermost element, without its namespace's prefix; `None` where there is none.
pub fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => return Some(start.local_name().as_ref().to_owned()),
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// What one of the five entities of XML stands for; others, which a document would define, are left out.
fn entity(name: &str) -> &'static str {
    quick_xml::escape::resolve_predefined_entity(name).unwrap_or_default()
}
