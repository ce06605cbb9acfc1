//! Plugins and themes of `WordPress`, by the comment at the top of a plugin's main file and of a theme's style sheet.
//!
//! The name is the folder's, by which wordpress.org and advisories know them; that of a plugin of one file is the file's
//! without its extension. A theme says so in `extra`, as one may have the name of a plugin.
//!
//! Source: `get_file_data`, `get_plugins` and `search_theme_directories` of `WordPress`,
//! <https://developer.wordpress.org/plugins/plugin-basics/header-requirements/>.

use crate::analyzer::{Analyzer, Extract, File};
use sekisho_model::{License, PackageFacts, PackageKind};

/// Reads headers.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "wordpress",
    title: "WordPress plugins and themes (wp-content)",
    kinds: &[PackageKind::Wordpress],
    paths: &[
        "**/wp-content/plugins/*.php",
        "**/wp-content/plugins/*/*.php",
        "**/wp-content/mu-plugins/*.php",
        "**/wp-content/themes/*/style.css",
        "**/wp-content/themes/*/*/style.css",
    ],
    // Only the beginning is read.
    random_access: true,
    alike: |a, b| place(a) == place(b),
    run,
    ..Analyzer::NONE
};

/// How much of a file `WordPress` looks at.
const HEADER_BYTES: u64 = 8 << 10;

fn run(file: &File<'_>) -> Extract {
    let Some((slug, theme)) = place(file.path) else { return Extract::default() };
    let beginning = match file.data.range(0, file.data.size().min(HEADER_BYTES) as usize) {
        Ok(beginning) => beginning,
        Err(error) => return Extract::failed(file.unreadable(&error)),
    };
    let text = String::from_utf8_lossy(&beginning);
    let name = if theme { "Theme Name" } else { "Plugin Name" };
    // Other files of a plugin, and style sheets of other purpose.
    if header(&text, name).is_none() {
        return Extract::default();
    }
    let package = PackageFacts {
        licenses: header(&text, "License").and_then(License::parse).into_iter().collect(),
        supplier: header(&text, "Author").map(str::to_owned),
        extra: theme.then(|| ("type".to_owned(), "theme".to_owned())).into_iter().collect(),
        ..PackageFacts::new(PackageKind::Wordpress, slug, header(&text, "Version").unwrap_or_default())
    };
    Extract { packages: vec![package], ..Extract::default() }
}

/// The name that the place of a file gives, and whether it is a theme's.
fn place(path: &str) -> Option<(&str, bool)> {
    let inner = &path[path.rfind("wp-content/")? + "wp-content/".len()..];
    let (kind, rest) = inner.split_once('/')?;
    match rest.rsplit_once('/') {
        Some((slug, _)) => Some((slug, kind == "themes")),
        None => Some((rest.strip_suffix(".php").unwrap_or(rest), false)),
    }
}

/// The value of a header that is not blank: on a line of its own, behind any signs of a comment, and without the end of
/// the comment.
fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut values = text.split(['\r', '\n']).filter_map(|line| {
        let line = line.trim_start_matches([' ', '\t']);
        let line = line.strip_prefix("<?php").unwrap_or(line);
        let line = line.trim_start_matches([' ', '\t', '/', '*', '#', '@']);
        let (key, value) = line.split_at_checked(name.len())?;
        key.eq_ignore_ascii_case(name).then(|| value.strip_prefix(':')).flatten()
    });
    let value = values.next()?;
    let end = ["*/", "?>"].iter().filter_map(|end| value.find(end)).min().unwrap_or(value.len());
    Some(value[..end].trim()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn check(path: &str, text: &str, expect: &[&str]) {
        let extract = testing::run(&ANALYZER, path, text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{path}: {text}");
        assert_eq!(extract.diagnostics, []);
    }

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/wordpress/fixtures");
    }

    #[test]
    fn the_place_gives_the_name() {
        let text = "<?php /* Plugin Name: X\nVersion: 1.0\nTheme Name: Y */";
        check("srv/wp-content/plugins/hello.php", text, &["hello 1.0"]);
        check("wp-content/plugins/akismet/main.php", text, &["akismet 1.0"]);
        check("wp-content/mu-plugins/a.php", text, &["a 1.0"]);
        check("wp-content/themes/t/style.css", text, &["t 1.0 type=theme"]);
        check("wp-content/themes/v/t/style.css", text, &["v/t 1.0 type=theme"]);
        assert!(!(ANALYZER.alike)("wp-content/plugins/a/x.php", "wp-content/plugins/b/x.php"));
    }

    #[test]
    fn headers_are_read_as_wordpress_reads_them() {
        let path = "wp-content/plugins/a/a.php";
        check(path, "<?php\r/**\r * @PLUGIN NAME: X\r *\tversion : 0\r # Version:  2.1 */ ?>\r", &["a 2.1"]);
        check(path, "<?php // Plugin Name: X", &["a "]);
        check(path, "Plugin Name:\nPlugin Name: X", &[]);
        check(path, "a Plugin Name: X\nPlugin Names: X", &[]);
        check(path, &format!("{}\nPlugin Name: X", " ".repeat(8192)), &[]);
        check(path, "", &[]);
        check(path, "Plugin Nam\u{e9}: X\nPlugin Name: \u{fffd}\nVersion: 1", &["a 1"]);
    }
}
