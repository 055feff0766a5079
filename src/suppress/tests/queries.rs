//! The query language: meaning, printing, diagnostics.

mod common;

use common::written::subject;
use tracehound_lang::Severity;
use tracehound_suppress::Mode;
use tracehound_suppress::query::{MAX_CLAUSES, MAX_DEPTH, MAX_LEN, parse};

/// Truth of a query, and the codes of its remarks. Prints it, and reads that again.
#[track_caller]
fn check(query: &str, written: &str, expected: bool, codes: &[&str]) {
    let (parsed, diagnostics) = parse(query, Mode::Lenient);
    let names: Vec<&str> = diagnostics.iter().map(|d| d.code.name()).collect();
    assert_eq!(names, codes, "{query}: {diagnostics:?}");
    let parsed = parsed.unwrap_or_else(|| panic!("{query}: {diagnostics:?}"));
    assert_eq!(parsed.matches(&subject(written)), expected, "{query} on {written}");
    assert_eq!(parsed.explain(&subject(written)).is_match, expected, "{query} on {written}, explained");
    let printed = parsed.to_string();
    let (again, diagnostics) = parse(&printed, Mode::Lenient);
    let again = again.unwrap_or_else(|| panic!("{query} as {printed}: {diagnostics:?}"));
    assert_eq!(again, parsed, "{query} as {printed}");
    assert_eq!(again.to_string(), printed, "{query} printed twice");
}

const LOWERCASE: &str = "DDQ-LOWERCASE-OP";
const UNESCAPED: &str = "DDQ-UNESCAPED";
const CURLY: &str = "DDQ-CURLY";
const NOT_PORTABLE: &str = "DDQ-NOT-PORTABLE";
const UNKNOWN: &str = "DDQ-UNKNOWN-ATTR";
const ALIAS: &str = "DD-ALIAS";
const NOT_IN_TRACE: &str = "DDQ-NOT-IN-TRACE";
const TYPE: &str = "DDQ-TYPE";

/// The test vectors of the specification, part B.5.
#[test]
fn vectors_of_the_specification() {
    for (query, on, expected, codes) in [
        (r"@process.args:\+x", "@process.args=+x|f", true, &[][..]),
        ("@process.args:+x", "@process.args=+x|f", true, &[UNESCAPED]),
        (r#"@process.args:"-c""#, "@process.args=-c|id", true, &[]),
        ("@file.path:/etc/*", "@file.path=/etc/a/b", true, &[]),
        (r#"@file.path:"/etc/*""#, "@file.path=/etc/passwd", false, &[]),
        ("@file.path:/etc/pass?d", "@file.path=/etc/passwd", true, &[]),
        ("@process.user:Root", "@process.user=root", false, &[]),
        ("env:(prod OR stage) -host:db*", "env=stage; host=web1", true, &[]),
        ("a:1 OR b:2 c:3", "b=2", false, &[]),
        ("@network.destination.port:[1 TO 1024}", "@network.destination.port=1024", false, &[]),
        ("@network.destination.port:>1023", "@network.destination.port=1024", true, &[]),
        ("CIDR(@network.destination.ip,10.0.0.0/8,::1/128)", "@network.destination.ip=10.9.8.7", true, &[]),
        ("-@process.ancestors.comm:java", "@process.ancestors.comm=sh|java", false, &[]),
        (
            "@process.ancestors.comm:sh @process.ancestors.user:root",
            "@process.ancestors.comm=sh|init; @process.ancestors.user=bob|root",
            true,
            &[],
        ),
        ("_exists_:@container.id", "", false, &[]),
        ("status:critical and env:prod", "status=critical; env=prod", false, &[LOWERCASE]),
    ] {
        check(query, on, expected, codes);
    }
    refuse("rule:[A-Invalid", Mode::Lenient, "DDQ-SYNTAX", "[A-Invalid", "a range without `TO`");
}

/// What surprises, Q1 to Q17 of part B.3, and what follows from the grammar.
#[test]
fn grammar() {
    for (query, on, expected, codes) in [
        // Q1
        ("a:1 OR b:2 c:3", "b=2; c=3", true, &[][..]),
        ("a:1 OR b:2 AND c:3", "a=1", true, &[]),
        ("(a:1 OR b:2) c:3", "a=1", false, &[]),
        ("a:1 || b:2 && c:3", "a=1", true, &[]),
        ("a:1&&b:2", "a=1; b=2", true, &[]),
        ("a:1||b:2", "b=2", true, &[]),
        ("a:1 or b:2", "b=2", false, &[LOWERCASE]),
        ("a:1 not b:2", "a=1; b=2", false, &[LOWERCASE]),
        (r"\and", "message=this and that", true, &[]),
        (r"\AND", "message=this and that", true, &[]),
        (r#""and""#, "message=this and that", true, &[]),
        // Q2
        ("-a:1 b:2", "b=2", true, &[]),
        ("-a:1 b:2", "a=1; b=2", false, &[]),
        ("-(a:1 b:2)", "a=1", true, &[]),
        ("NOT a:1", "", true, &[]),
        ("NOT(a:1 OR b:2)", "b=2", false, &[]),
        ("NOT(CIDR(@network.source.ip,10.0.0.0/8))", "@network.source.ip=10.0.0.1", false, &[]),
        ("NOT(CIDR(@network.source.ip,10.0.0.0/8))", "", true, &[]),
        ("NOT -a:1", "a=1", true, &[]),
        ("+a:1", "a=1", true, &[]),
        ("!a:1", "a=1", false, &[UNESCAPED]),
        ("a:1 AND NOT b:2", "a=1", true, &[]),
        // Q3
        ("env:(prod AND -stage)", "env=prod", true, &[]),
        ("env:(prod AND -stage)", "env=prod|stage", false, &[]),
        ("env:(prod OR host:db)", "host=db", true, &[]),
        ("env:(host:db)", "env=db", false, &[]),
        (r#"@evt.name:("a b" OR open)"#, "@evt.name=open", true, &[]),
        ("env:((prod OR test) -x)", "env=test", true, &[]),
        ("@process.pid:(>5 OR [1 TO 2])", "@process.pid=2", true, &[]),
        ("env:(* -prod)", "env=test", true, &[]),
        // Q4, Q5
        (r"k:a\:b", "k=a:b", true, &[]),
        (r"k:a\ b", "k=a b", true, &[]),
        (r"k:a\(b\)", "k=a(b)", true, &[]),
        (r"k:\a\\", r"k=a\", true, &[]),
        (r"k:a\*b", "k=a*b", true, &[]),
        (r"k:a\*b", "k=axb", false, &[]),
        (r"k:a\?b", "k=axb", false, &[]),
        ("k:a-b", "k=a-b", true, &[]),
        ("k:a+b=c", "k=a+b=c", true, &[]),
        ("k:a:b", "k=a:b", true, &[UNESCAPED]),
        ("k:=a", "k==a", true, &[UNESCAPED]),
        ("k:a&b|c", "k=a&b|c", true, &[]),
        ("k:-c", "k=-c", true, &[UNESCAPED]),
        ("k:/usr/bin/", "k=/usr/bin/", true, &[]),
        ("@network.source.ip:::1", "@network.source.ip=::1", true, &[UNESCAPED]),
        (r#"@network.source.ip:"::1""#, "@network.source.ip=::1", true, &[]),
        (r#"k:"a\"b""#, "k=a\"b", true, &[]),
        (r#"k:"a\\b""#, r"k=a\b", true, &[]),
        (r#"k:"""#, "k=", false, &[]),
        (r"k\:l:m", "k:l=m", true, &[]),
        (r"\_exists_:a", "_exists_=a", true, &[]),
        // Q6
        ("k:*", "k=a", true, &[]),
        ("k:*", "", false, &[]),
        ("-k:*", "", true, &[]),
        ("_missing_:k", "", true, &[]),
        ("_missing_:k", "k=a", false, &[]),
        ("_exists_:k", "k=a", true, &[]),
        ("_exists_:@process.args", "@process.args=a|b", true, &[]),
        ("-_missing_:k", "k=a", true, &[]),
        (r"k:\*", "k=a", false, &[]),
        ("k:a*", "k=ba", false, &[]),
        ("k:?", "k=é", true, &[]),
        // Q7
        ("host:WEB", "host=web", false, &[]),
        ("SHELL", "message=a shell", true, &[]),
        ("ÜBER", "message=über", true, &[]),
        ("Host:web", "host=web", false, &[]),
        // Q8
        ("bash java", "message=java spawned bash", true, &[]),
        ("java-spawned", "message=java spawned bash", true, &[]),
        (r#""java spawned""#, "message=java, spawned bash", true, &[]),
        (r#""spawned java""#, "message=java spawned bash", false, &[]),
        ("spawn*", "message=java spawned bash", true, &[]),
        ("spawn", "message=java spawned bash", false, &[]),
        ("java_home", "message=JAVA_HOME is set", true, &[]),
        ("java", "message=JAVA_HOME is set", false, &[]),
        ("message:bash", "message=java spawned bash", true, &[]),
        (r#""--""#, "message=sh -- -c", true, &[]),
        ("absent", "", false, &[]),
        // Q9
        ("*:web*", "host=web1", true, &[]),
        ("*:WEB1", "host=web1", true, &[]),
        ("*:bash", "message=java spawned bash", true, &[]),
        (r#"*:"spawned bash""#, "message=java spawned bash", true, &[]),
        (r#"*:"id -u""#, "@process.args=-c|id -u", true, &[]),
        ("*:4711", "@process.pid=4711", true, &[]),
        ("*:nothing", "host=web1; @process.pid=1; message=a", false, &[]),
        ("*:*", "", true, &[]),
        ("*", "", true, &[]),
        ("", "", true, &[]),
        ("  ", "", true, &[]),
        // Q10
        ("@process.pid:10", "@process.pid=10", true, &[]),
        ("@process.pid:1E1", "@process.pid=10", true, &[]),
        ("@process.pid:010", "@process.pid=10", true, &[]),
        ("@process.pid:1?", "@process.pid=10", true, &[]),
        ("@process.pid:<=9", "@process.pid=10", false, &[]),
        ("@process.pid:[9 TO *]", "@process.pid=10", true, &[]),
        ("@process.pid:{10 TO *]", "@process.pid=10", false, &[]),
        ("@process.pid:[* TO 10}", "@process.pid=10", false, &[]),
        ("@process.pid:>-5", "@process.pid=10", true, &[]),
        ("@exit.code:[-5 TO -1]", "@exit.code=-2", true, &[]),
        ("@exit.code:<1.5", "@exit.code=1", true, &[]),
        ("@process.comm:>b", "@process.comm=c", true, &[]),
        ("@process.comm:>10", "@process.comm=9", true, &[]),
        ("k:>9", "k=10", true, &[]),
        ("k:[a TO c]", "k=b", true, &[]),
        ("k:[a TO c]", "k=d", false, &[]),
        (r#"k:["a b" TO "c d"]"#, "k=b", true, &[]),
        ("@process.is_kworker:true", "@process.is_kworker=true", true, &[]),
        ("@process.pid:abc", "@process.pid=10", false, &[TYPE]),
        ("@process.is_kworker:yes", "@process.is_kworker=true", false, &[TYPE]),
        ("@network.source.ip:10.0.0.*", "@network.source.ip=10.0.0.7", true, &[]),
        ("@network.source.ip:[10.0.0.0 TO 10.0.0.255]", "@network.source.ip=10.0.0.7", true, &[]),
        ("CIDR(@process.comm,10.0.0.0/8)", "@process.comm=a", false, &[TYPE]),
        // Q11, Q12
        ("tags:mitre_execution", "tags=mitre_execution|team:x", true, &[]),
        (r#"tags:"team:x""#, "tags=mitre_execution|team:x", true, &[]),
        ("team:x", "team=y|x", true, &[]),
        ("-team:x", "team=y|x", false, &[]),
        ("process.comm:sh", "process.comm=sh", true, &[UNKNOWN]),
        // Q13, Q14
        (r#"@a."b.c":1"#, "", false, &[UNKNOWN]),
        ("@process.com:sh", "@process.comm=sh", false, &[UNKNOWN]),
        ("-@process.com:sh", "@process.comm=sh", true, &[UNKNOWN]),
        ("@process.executable.comm:sh", "@process.comm=sh", true, &[ALIAS]),
        ("@process.executable.user:root", "@process.user=root", false, &[NOT_IN_TRACE]),
        // Q15
        ("CIDR(@network.source.ip, 10.0.0.1 , fe80::/10)", "@network.source.ip=10.0.0.1", true, &[]),
        ("CIDR(@network.source.ip,fe80::/10)", "@network.source.ip=fe80::1", true, &[]),
        ("CIDR(ip,10.0.0.0/8)", "ip=10.0.0.1", true, &[]),
        ("CIDR(ip,10.0.0.0/8)", "ip=none", false, &[]),
        ("CIDR(ip,10.0.0.0/8)", "", false, &[]),
        // Q16
        ("“a b”", "message=b a", true, &[CURLY, CURLY]),
    ] {
        check(query, on, expected, codes);
    }
}

/// Arrays and what negation makes of them, part B.4.
#[test]
fn arrays() {
    let lines = "@process.ancestors.comm=sh|java|init; @process.ancestors.args=-c id|-jar a.jar|; \
                 @process.ancestors.executable.path=/bin/dash|/usr/bin/java|";
    for (query, expected, codes) in [
        ("@process.ancestors.comm:java", true, &[][..]),
        ("-@process.ancestors.comm:bash", true, &[]),
        ("@process.ancestors.executable.path:/usr/bin/java", true, &[]),
        ("@process.ancestors.args:-jar", true, &[UNESCAPED]),
        (r"@process.ancestors.args:\-jar", true, &[]),
        (r#"@process.ancestors.args:"-jar a.jar""#, true, &[]),
        (r#"@process.ancestors.args:"-c id -jar""#, false, &[]),
        ("@process.ancestors.comm:sh @process.ancestors.args:a.jar", true, &[]),
        ("same(@process.ancestors; comm:sh AND args:a.jar)", false, &[NOT_PORTABLE]),
        ("same(@process.ancestors; comm:java AND args:a.jar)", true, &[NOT_PORTABLE]),
        ("same(@process.ancestors; @process.ancestors.comm:java args:a.jar)", true, &[NOT_PORTABLE]),
        ("same(@process.ancestors; comm:java -args:a.jar)", false, &[NOT_PORTABLE]),
        ("same(@process.ancestors; -comm:java)", true, &[NOT_PORTABLE]),
        ("-same(@process.ancestors; comm:sh executable.path:/bin/dash)", false, &[NOT_PORTABLE]),
        ("same(@process.ancestors; comm:(java OR sh) -executable.path:*)", false, &[NOT_PORTABLE]),
        ("same(@process.ancestors; comm:init -executable.path:*)", true, &[NOT_PORTABLE]),
        ("same(@process.ancestors; executable.comm:init)", true, &[NOT_PORTABLE, ALIAS]),
        ("@process.ancestors.*:/bin/dash", true, &[NOT_PORTABLE]),
        ("@process.ancestors.*:nothing", false, &[NOT_PORTABLE]),
        ("@process.ancestors.*:(java OR x)", true, &[NOT_PORTABLE]),
        ("same(@process.ancestors; comm:sh *:/bin/dash)", true, &[NOT_PORTABLE, NOT_PORTABLE]),
        ("same(@process.ancestors; comm:java *:/bin/dash)", false, &[NOT_PORTABLE, NOT_PORTABLE]),
    ] {
        check(query, lines, expected, codes);
    }
    // None of no ancestors is java.
    check("-@process.ancestors.comm:java", "", true, &[]);
    check("same(@process.ancestors; -comm:java)", "", false, &[NOT_PORTABLE]);
    let args = "@process.args=-c|curl x | sh".replace(" | ", " ¦ ");
    check(r#"@process.args:"-c curl x ¦ sh""#, &args, true, &[]);
    check(r"@process.args:\-c\ curl*", &args, true, &[]);
    check(r#"@process.args:"curl x""#, &args, false, &[]);
    let envs = "@process.envs=HOME=/root|LD_PRELOAD=/tmp/a.so";
    for (query, expected) in [
        ("@process.envs:LD_PRELOAD", true),
        ("@process.envs:LD_*", true),
        ("@process.envs:LD_PRELOAD=/tmp/a.so", true),
        ("@process.envs:LD_PRELOAD=/tmp/*", true),
        ("@process.envs:LD_PRELOAD=/usr/*", false),
        ("@process.envs:LD", false),
        ("@process.envs:/root", false),
    ] {
        check(query, envs, expected, &[]);
    }
}

/// The code, the place and a part of the message of the error that a query has.
#[track_caller]
fn refuse(query: &str, mode: Mode, code: &str, place: &str, message: &str) {
    let (parsed, diagnostics) = parse(query, mode);
    assert!(parsed.is_none(), "{query:.100}");
    let error = diagnostics.iter().find(|d| d.is_error()).unwrap_or_else(|| panic!("{query:.100}: {diagnostics:?}"));
    let span = error.span().unwrap().range();
    let (code, place) = (code.to_owned(), place.to_owned());
    assert_eq!((error.code.name().to_owned(), query[span].to_owned()), (code, place), "{query:.100}: {error:?}");
    assert!(error.message.contains(message), "{query}: {}", error.message);
}

#[test]
fn errors_say_where() {
    for (query, place, message) in [
        ("a:", "a:", "a value is missing"),
        ("a: b", "a:", "a blank cannot stand"),
        ("(a:1", "(", "never closed"),
        ("a:1)", ")", "closes nothing"),
        ("a:(b", "(", "never closed"),
        ("()", "()", "nothing stands between"),
        ("a:()", "()", "nothing stands between"),
        ("a AND", "", "missing at the end"),
        ("AND a", "AND", "on both sides"),
        ("a AND OR b", "OR", "on both sides"),
        ("a || && b", "&&", "on both sides"),
        ("a OR", "", "missing at the end"),
        ("NOT", "NOT", "missing at the end"),
        ("a -", "-", "nothing follows this `-`"),
        ("(a -)", "-", "nothing follows this `-`"),
        (r#"a:"b"#, "\"", "never closed"),
        (r#"a:b"c""#, "\"", "inside a term"),
        ("a:b(c)", "(", "inside a term"),
        (r"a:b\", r"\", "nothing follows"),
        ("a:[1 TO 2", "[", "has no end"),
        ("a:[1 TO", "[1 TO", "on both sides of `TO`"),
        ("a:[1 to 2]", "[1 ", "without `TO`"),
        ("a:[TO 2]", "[TO ", "without `TO`"),
        ("[1 TO 2]", "[", "needs an attribute"),
        (">5", ">", "needs an attribute"),
        ("a:>", ">", "a value is missing"),
        ("a:>5*", "5*", "cannot have wildcards"),
        ("*:>5", "*:>5", "ranges and networks need"),
        ("message:[a TO b]", "message:[a TO b]", "ranges and networks need"),
        ("CIDR(@network.source.ip)", "CIDR(@network.source.ip)", "needs a network"),
        ("CIDR()", "CIDR(", "needs an attribute"),
        ("CIDR(@network.source.ip,10.0.0.0/33)", "10.0.0.0/33", "is no network"),
        ("CIDR(@network.source.ip,)", ")", "is no network"),
        ("CIDR(@network.source.ip,10.0.0.0/8", "CIDR(", "never closed"),
        ("CIDR(@network.source.ip 10.0.0.0/8)", "1", "a `,` is missing"),
        ("#count:5", "#", "calculated fields"),
        (":a", ":", "name of a field is missing"),
        ("@process.*:a", "@process.*", "no wildcards"),
        ("@process.ancestors[0].comm:sh", "@process.ancestors[0].comm", "no index"),
        ("_exists_:", "_exists_:", "name of an attribute is missing"),
        ("_exists_:*", "_exists_:*", "attribute or a tag"),
        ("same(@process; comm:a)", "@process", "asks ancestors"),
        ("same(@process.ancestors comm:a)", "@process.ancestors ", "asks ancestors"),
        ("same(@process.ancestors; @process.comm:a)", "@process.comm", "only their attributes"),
        ("same(@process.ancestors; a)", "a", "only their attributes"),
        ("same(@process.ancestors; same(@process.ancestors; comm:a))", "same(@process.ancestors;", "inside `same`"),
        (r#"@a."b:1"#, "\"", "never closed"),
        ("é:(", "", "missing at the end"),
    ] {
        refuse(query, Mode::Lenient, "DDQ-SYNTAX", place, message);
    }
    refuse("@process.args:+x", Mode::Strict, "DDQ-UNESCAPED", "+", "has a meaning");
    refuse("k:a:b", Mode::Strict, "DDQ-UNESCAPED", ":", "has a meaning");
    refuse("!a", Mode::Strict, "DDQ-UNESCAPED", "!", "has a meaning");
    refuse("@process.com:a", Mode::Strict, "DDQ-UNKNOWN-ATTR", "@process.com", "no attribute");
    refuse("@process.ancestors.*:a", Mode::Strict, "DDQ-NOT-PORTABLE", "@process.ancestors.*", "this program only");
    refuse("same(@process.ancestors; comm:a)", Mode::Strict, "DDQ-NOT-PORTABLE", "same(@process.ancestors;", "only");
    let (query, diagnostics) = parse("k:a-b host:x* -@process.comm:\\-a (b OR \"c d\")", Mode::Strict);
    assert!(query.is_some() && diagnostics.is_empty(), "{diagnostics:?}");
}

#[test]
fn suggestions() {
    for (query, help) in [
        ("@process.com:sh", "did you mean `@process.comm`"),
        ("@proces.executable.path:sh", "did you mean `@process.executable.path`"),
        ("@process.ancestor.comm:sh", "did you mean `@process.ancestors.comm`"),
        ("process.args:x", "the attribute is `@process.args`"),
        ("a and b", "write `AND`"),
        ("@process.args:+x", r"write `\+`"),
    ] {
        let (_, diagnostics) = parse(query, Mode::Lenient);
        let found = diagnostics.first().and_then(|d| d.help.clone()).unwrap_or_default();
        assert!(found.starts_with(help), "{query}: {found}");
    }
}

#[test]
fn canonical_text() {
    for (query, expected) in [
        ("a:1 AND b:2", "a:1 b:2"),
        ("a:1 && (b:2 || c:3)", "a:1 (b:2 OR c:3)"),
        ("a:1 OR (b:2 AND c:3)", "a:1 OR (b:2 c:3)"),
        ("(a:1)", "a:1"),
        ("((a:1 b:2) c:3)", "a:1 b:2 c:3"),
        ("env:prod OR env:stage OR host:x", "env:(prod OR stage) OR host:x"),
        ("NOT (env:prod OR env:stage)", "-env:(prod OR stage)"),
        ("NOT (a:1 OR b:2)", "-(a:1 OR b:2)"),
        ("NOT -a:1", "a:1"),
        ("@process.args:+x", r"@process.args:\+x"),
        ("_exists_:a", "a:*"),
        ("_missing_:a", "-a:*"),
        ("a:[5 TO *]", "a:>=5"),
        ("a:{* TO 5}", "a:<5"),
        ("a:[* TO *]", "a:[* TO *]"),
        (r#"a:>"b c""#, r#"a:>"b c""#),
        ("@process.parent.path:/bin/sh", "@process.parent.executable.path:/bin/sh"),
        ("@user.id:root", "@usr.id:root"),
        ("@network.ip:::1", r"@network.source.ip:\:\:1"),
        ("", "*:*"),
        ("CIDR(@network.source.ip, 10.0.0.1)", "CIDR(@network.source.ip,10.0.0.1/32)"),
        ("same(@process.ancestors;comm:a AND @process.ancestors.args:b)", "same(@process.ancestors; comm:a args:b)"),
        ("@process.com:x", "@process.com:x"),
        (r#""a b" c"#, r#""a b" c"#),
    ] {
        let (parsed, diagnostics) = parse(query, Mode::Lenient);
        let printed = parsed.unwrap_or_else(|| panic!("{query}: {diagnostics:?}")).to_string();
        assert_eq!(printed, expected, "{query}");
    }
}

#[test]
fn an_explanation_names_what_decides() {
    let check = |query: &str, on: &str, expected: &[(&str, bool, bool, &str)]| {
        let (parsed, _) = parse(query, Mode::Lenient);
        let parsed = parsed.unwrap();
        let subject = subject(on);
        let explained = parsed.explain(&subject);
        let rows: Vec<_> = explained
            .clauses
            .iter()
            .map(|c| {
                let values: Vec<String> = c.values.iter().map(|v| String::from_utf8_lossy(v).into_owned()).collect();
                let text = &query[c.clause.span.range()];
                (text.to_owned(), c.is_satisfied(), c.is_decisive, values.join(","))
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|&(a, b, c, d)| (a.to_owned(), b, c, d.to_owned())).collect();
        assert_eq!(rows, expected, "{query} on {on}");
    };
    check("a:1 b:2", "a=1; b=3", &[("a:1", true, false, "1"), ("b:2", false, true, "3")]);
    check("a:1 b:2", "a=1; b=2", &[("a:1", true, true, "1"), ("b:2", true, true, "2")]);
    check("a:1 OR b:2", "a=1", &[("a:1", true, true, "1"), ("b:2", false, false, "")]);
    check("a:1 OR b:2", "", &[("a:1", false, true, ""), ("b:2", false, true, "")]);
    check(
        "a:1 -b:(2 OR 3)",
        "a=1; b=3",
        &[("a:1", true, false, "1"), ("2", true, false, "3"), ("3", false, true, "3")],
    );
    check("@process.args:b", "@process.args=a|b", &[("@process.args:b", true, true, "a,b")]);
    check("@process.com:b", "", &[("@process.com:b", false, true, "")]);
}

/// A query of any size is answered at once, and what is too large is refused.
#[test]
fn bounds() {
    let start = std::time::Instant::now();
    refuse(&"a ".repeat(MAX_LEN / 2 + 1), Mode::Lenient, "TH_LIMIT", "a", "bytes");
    refuse(&"a ".repeat(MAX_CLAUSES + 1), Mode::Lenient, "TH_LIMIT", "a", "comparisons");
    refuse(&"(".repeat(MAX_DEPTH + 1), Mode::Lenient, "TH_LIMIT", "(", "parentheses");
    refuse(&"a:(".repeat(MAX_LEN / 3), Mode::Lenient, "TH_LIMIT", "(", "parentheses");
    refuse(&"(".repeat(MAX_LEN), Mode::Lenient, "TH_LIMIT", "(", "parentheses");
    assert!(parse(&"same(".repeat(MAX_LEN / 5), Mode::Lenient).0.is_none());
    for text in ["a OR ", "-", "\\a", "*", "a:b ", "@process.com:x OR ", "and ", "[", "\"", "NOT ", "k:=a "] {
        let text = text.repeat(MAX_LEN / text.len());
        let (query, diagnostics) = parse(&text, Mode::Lenient);
        assert!(query.is_some() || diagnostics.iter().any(|d| d.severity == Severity::Error));
        assert!(diagnostics.len() < 200, "{} remarks", diagnostics.len());
        if let Some(query) = query {
            assert!(query.is_all() || !query.matches(&subject("host=x")));
            assert!(parse(&query.to_string(), Mode::Lenient).0.is_some_and(|again| again == query));
        }
    }
    let deep = format!("{}a:1{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
    assert!(parse(&deep, Mode::Lenient).0.is_some());
    // Unoptimised and on a busy machine this takes about a second.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
