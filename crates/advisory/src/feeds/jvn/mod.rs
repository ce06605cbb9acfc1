//! JVN iPedia, Japan's catalogue: RDF (RSS 1.0) with the `mod_sec` extension, as its feeds and the `MyJVN` API give it:
//! <https://jvndb.jvn.jp/en/schema/mod_sec.html>.
//!
//! It gives vulnerabilities a title in Japanese (or English, in the English feed).

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, holds, is_named};
use super::text::{is_cve, is_short};
use crate::record::Says;
use sekisho_base::xml::{self, Node};

/// The catalogue.
pub(crate) static FEED: Feed = Feed {
    id: "jvn",
    title: "JVN iPedia (Japanese titles)",
    licence: "LicenseRef-JVN-iPedia",
    upstream: &["https://jvndb.jvn.jp/ja/rss/years/jvndb_{}.rdf"],
    contents: Contents::List,
    recognises: |path, head| {
        let has = |text| holds(head, text);
        is_named(path, &["jvndb_"], "rdf") || (has("<rdf:RDF") && has("jvn.jp/rss/mod_sec"))
    },
    parse,
};

#[derive(Default)]
struct Item {
    title: String,
    link: String,
    id: String,
    cves: Vec<String>,
}

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let mut language = String::new();
    let mut item: Option<Item> = None;
    let mut is_rdf = false;
    xml::read(file.text()?, |node| match (node, &mut item) {
        (Node::Open("RDF", attributes), _) => {
            is_rdf = true;
            language = attributes.get("lang");
        }
        (Node::Open("item", _), _) => item = Some(Item::default()),
        (Node::Open("references", attributes), Some(item)) => {
            let id = attributes.get("id");
            // The same CVE is named by several sources (NVD, CVE).
            if is_cve(&id) && item.cves.last() != Some(&id) {
                item.cves.push(id);
            }
        }
        (Node::Close("title", text), Some(item)) => text.trim().clone_into(&mut item.title),
        (Node::Close("link", text), Some(item)) => text.trim().clone_into(&mut item.link),
        (Node::Close("identifier", text), Some(item)) => text.trim().clone_into(&mut item.id),
        (Node::Close("item", _), _) => {
            if let Some(item) = item.take() {
                take(item, &language, sink);
            }
        }
        _ => {}
    })
    .map_err(Broken::new)?;
    if is_rdf { Ok(()) } else { Err(Broken::new("it is no RDF")) }
}

fn take(mut item: Item, language: &str, sink: &mut Sink<'_>) {
    if [&item.title, &item.id].iter().any(|text| text.is_empty() || !is_short(text)) || !is_short(language) {
        return sink.skip("without a name", "it has no title or no identifier");
    }
    if item.cves.is_empty() {
        sink.aside("entries without a CVE");
    }
    let language = match language {
        "" if item.link.contains("/en/") => "en",
        "" => "ja",
        language => language,
    };
    item.cves.sort();
    item.cves.dedup();
    for cve in item.cves {
        let says = Says::Title { language: language.to_owned(), text: item.title.clone(), reference: item.id.clone() };
        sink.says(cve, says);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/jvn/fixtures");
    }

    #[test]
    fn what_is_cut_short_is_no_feed() {
        let (_, read) = testing::read(&FEED, "jvndb.rdf", b"<rdf:RDF><item><title>x</title></item>");
        assert_eq!(read.diagnostics.last().unwrap().code, sekisho_model::Code::FeedMalformed);
        let (_, read) = testing::read(&FEED, "jvndb.rdf", b"<html/>");
        assert_eq!(read.diagnostics.len(), 1);
    }
}
