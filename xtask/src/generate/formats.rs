//! `docs/guide/*/formats.md`: which files are read, for those who scan them, in both languages of the guide.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use sekisho_model::PackageKind;
use sekisho_sbom::Analyzer;
use sekisho_sbom::analyzers::ANALYZERS;

use super::NOTICE;
use super::docs::{cell, spans};

pub(super) fn english() -> Result<String> {
    page(
        &format!(
            "# What is read\n\n[日本語](../ja/formats.md)\n\n{NOTICE}\n\n\
             Every file of an image, a directory or an archive is looked at by its path, or by its first bytes. These hold\n\
             packages, or say something of them; *packages* is the type of their package URLs. What no file here tells is\n\
             in [coverage](../../coverage.md), and the programs that are known by their bytes in the\n\
             [list of analyzers](../../analyzers.md#programs-without-a-package).\n\n\
             | what | packages | files |\n|---|---|---|\n"
        ),
        &Words {
            executables: "any file that begins as an executable",
            programs: "[well-known names](../../analyzers.md#programs-without-a-package)",
            itself: "what is scanned itself",
            any: "any",
        },
        |analyzer| Some(analyzer.title),
    )
}

pub(super) fn japanese() -> Result<String> {
    page(
        &format!(
            "# 読み取るファイル\n\n[English](../en/formats.md)\n\n{NOTICE}\n\n\
             イメージ、ディレクトリ、アーカイブの中のファイルを、パスまたは先頭のバイトで見分けて読みます。次のファイルから\n\
             パッケージやその情報がわかります。*パッケージ*の欄は package URL の種類です。ここにないものは\n\
             [対象範囲](../../coverage.md)(英語)、中身のバイトから判別するプログラムは\n\
             [アナライザー一覧](../../analyzers.md#programs-without-a-package)(英語)を見てください。\n\n\
             | 内容 | パッケージ | ファイル |\n|---|---|---|\n"
        ),
        &Words {
            executables: "実行ファイルとして始まるすべてのファイル",
            programs: "[よく知られた名前](../../analyzers.md#programs-without-a-package)",
            itself: "スキャン対象そのもの",
            any: "すべて",
        },
        |analyzer| TITLES.iter().find(|(id, _)| *id == analyzer.id).map(|(_, title)| *title),
    )
}

/// What stands for files that no path tells.
struct Words {
    executables: &'static str,
    programs: &'static str,
    itself: &'static str,
    any: &'static str,
}

/// The types of package URLs of what it reads; `any` for all of them.
pub(super) fn kinds(analyzer: &Analyzer, any: &str) -> String {
    if analyzer.kinds == PackageKind::ALL {
        return any.to_owned();
    }
    let kinds: Vec<_> = analyzer.kinds.iter().copied().map(PackageKind::as_str).collect();
    if kinds.is_empty() { "-".to_owned() } else { kinds.join(", ") }
}

fn page(head: &str, words: &Words, title: impl Fn(&Analyzer) -> Option<&'static str>) -> Result<String> {
    let mut out = head.to_owned();
    for analyzer in ANALYZERS {
        let Some(title) = title(analyzer) else { bail!("{} has no title in Japanese", analyzer.id) };
        let kinds = kinds(analyzer, words.any);
        let files = match (analyzer.hints, analyzer.paths.is_empty(), analyzer.magic.is_empty()) {
            (true, ..) => words.programs.to_owned(),
            (_, true, true) => words.itself.to_owned(),
            (_, true, false) => words.executables.to_owned(),
            (_, false, _) => spans(analyzer.paths.iter().copied()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| {} | {kinds} | {files} |", cell(title));
    }
    Ok(out)
}

/// The titles of analyzers in Japanese.
const TITLES: [(&str, &str); 67] = [
    ("os-release", "ディストリビューション(os-release)"),
    ("dpkg-status", "Debian パッケージ(dpkg の status、status.d)"),
    ("deb-package", "Debian パッケージファイル(.deb)"),
    ("dpkg-files", "Debian パッケージのファイル一覧(dpkg の info/*.list)"),
    ("dpkg-copyright", "Debian パッケージのライセンス(copyright)"),
    ("apk-installed", "Alpine パッケージ(apk のデータベース)"),
    ("rpm", "rpm パッケージ(rpmdb.sqlite、Packages.db、Packages)"),
    ("rpm-package", "rpm パッケージファイル(.rpm)"),
    ("redhat-content-sets", "Red Hat のパッケージの提供元(content manifests)"),
    ("bottlerocket-inventory", "Bottlerocket のパッケージ(application inventory)"),
    ("pacman-desc", "Arch Linux パッケージ(pacman のデータベース)"),
    ("pacman-files", "Arch Linux パッケージのファイル一覧"),
    ("package-info", "pacman、apk のパッケージファイル(.pkg.tar.*、.apk)"),
    ("portage-contents", "Gentoo パッケージ(portage のデータベース)"),
    ("portage-license", "Gentoo パッケージのライセンス"),
    ("python-installed", "Python のパッケージ(dist-info、egg-info)"),
    ("python-named", "メタデータのない Python パッケージ(dist-info のディレクトリ名から判別)"),
    ("python-egg", "Python の egg ファイル(*.egg)"),
    ("python-requirements", "バージョンを固定した Python の requirements"),
    ("python-setup", "setup.py の中の、バージョンを固定した Python の要求"),
    ("python-pipenv", "pipenv のロックファイル"),
    ("python-poetry", "Poetry のロックファイル"),
    ("python-uv", "uv のロックファイル"),
    ("python-pdm", "PDM のロックファイル"),
    ("python-pylock", "Python のロックファイル(pylock.toml)"),
    ("conda-installed", "conda パッケージ(conda-meta/*.json)"),
    ("npm-installed", "npm パッケージ(package.json)"),
    ("npm-lock", "npm のロックファイル"),
    ("yarn-lock", "yarn のロックファイル(classic、berry)"),
    ("pnpm-lock", "pnpm のロックファイル"),
    ("bun-lock", "bun のロックファイル(bun.lock)"),
    (
        "unread-lock",
        "読まず、あることだけを報告するロックファイル: Deno、rebar3、pixi、conda-lock、Paket、Carthage、dep、Glide、uv の単独スクリプト、bun 1.2 より前、pnpm 3 より前",
    ),
    ("cargo-lock", "Rust のロックファイル(Cargo.lock)"),
    ("rust-binary", "実行ファイル中の Rust クレート(cargo auditable)"),
    ("go-binary", "実行ファイル中の Go モジュール"),
    ("go-mod", "Go モジュール(go.mod)"),
    ("java-archive", "Java アーカイブと、その中のアーカイブ(jar、war、ear など)"),
    ("java-unpacked", "展開された Java アーカイブの Maven メタデータ(pom.properties)"),
    ("maven-pom", "Maven プロジェクト(pom.xml)。プロパティ、親、別の pom で管理されるバージョンも解決"),
    ("java-release", "Java ランタイム(ホームの release ファイル)"),
    ("gradle-lock", "Gradle のロックファイル"),
    ("gradle-verification", "Gradle の依存関係検証(verification-metadata.xml)"),
    ("sbt-lock", "sbt のロックファイル(build.sbt.lock)"),
    ("dotnet-deps", ".NET プログラム(*.deps.json)"),
    ("nuget-lock", "NuGet のロックファイルと復元済みプロジェクト"),
    ("nuget-config", "古い形式のプロジェクトの NuGet パッケージ(packages.config)"),
    ("dotnet-project", ".NET プロジェクト(*.csproj など、Directory.*.props)"),
    ("gem-installed", "Ruby gem(specifications/*.gemspec)"),
    ("gem-lock", "Bundler のロックファイル"),
    ("composer-installed", "Composer パッケージ(composer/installed.json)"),
    ("composer-lock", "Composer のロックファイル"),
    ("wordpress", "WordPress のプラグインとテーマ(wp-content)"),
    ("pub-lock", "Dart のロックファイル(pubspec.lock)"),
    ("hex-lock", "Mix のロックファイル(mix.lock)"),
    ("swift-resolved", "Swift パッケージ(Package.resolved)"),
    ("cocoapods-lock", "CocoaPods のロックファイル(Podfile.lock)"),
    ("conan-lock", "Conan のロックファイル(conan.lock)"),
    ("conan-manifest", "Conan の要求(conanfile.txt)"),
    ("julia-manifest", "Julia のマニフェスト(Manifest.toml)"),
    ("r-installed", "R パッケージ(DESCRIPTION)"),
    ("renv-lock", "renv のロックファイル(renv.lock)"),
    ("cabal-freeze", "Cabal の freeze ファイル(cabal.project.freeze)"),
    ("stack-project", "Stack のプロジェクト(stack.yaml の extra-deps)"),
    ("stack-lock", "Stack のロックファイル(stack.yaml.lock)"),
    ("binary", "よく知られたプログラムとライブラリー(中身のバイトから判別)"),
    ("sbom", "SBOM(CycloneDX、SPDX 2、Syft 形式の JSON)。ほかのどのファイルからもわからないパッケージを載せる"),
    ("vex", "VEX 文書(保存し、--vex embedded を付けると信用する)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_analyzer_has_a_line_in_both_languages() {
        for page in [english().unwrap(), japanese().unwrap()] {
            assert_eq!(page.lines().filter(|line| line.starts_with("| ")).count(), ANALYZERS.len() + 1);
        }
        assert!(TITLES.iter().all(|(id, _)| ANALYZERS.iter().any(|analyzer| analyzer.id == *id)));
    }
}
