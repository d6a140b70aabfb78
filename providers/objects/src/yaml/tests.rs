use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The documents of a text as JSON, one a line.
fn read(text: &str, dialect: Dialect) -> String {
    match parse_documents(text, dialect) {
        Ok(documents) => documents.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"),
        Err(error) => format!("error: {error}"),
    }
}

fn old(text: &str) -> String {
    read(text, Dialect::Kustomize3)
}

fn new(text: &str) -> String {
    read(text, Dialect::Kustomize5)
}

#[track_caller]
fn both(text: &str, json: &str) {
    assert_eq!(old(text), json, "dialect 3");
    assert_eq!(new(text), json, "dialect 5");
}

#[test]
fn words_of_yaml_1_1_are_truth_values_to_the_old_dialect_only() {
    assert_eq!(old("[yes, on, y, No, OFF, n]"), "[true,true,true,false,false,false]");
    assert_eq!(new("[yes, on, y, No, OFF, n]"), r#"["yes","on","y","No","OFF","n"]"#);
    both("[true, False, TRUE, ~, null, NULL, ]", "[true,false,true,null,null,null]");
    both("['yes', \"true\", '~']", r#"["yes","true","~"]"#);
}

#[test]
fn keys_are_text_whatever_they_look_like() {
    assert_eq!(
        old("{n: 1, 012: 2, 1.50: 3, 1000000000000000000000000.0: 4}"),
        r#"{"1.5":3,"10":2,"1e+24":4,"false":1}"#
    );
    assert_eq!(new("{n: 1, 012: 2}"), r#"{"012":2,"n":1}"#);
    both("'1': a", r#"{"1":"a"}"#);
}

#[test]
fn numbers_are_read_in_every_notation() {
    both("[0777, 012, 0o777, 0x1F, 0b101, 1_000, -0x10, +7]", "[511,10,511,31,5,1000,-16,7]");
    both("[1e3, 1.0, .5, 1., -1.5e-3]", "[1000,1,0.5,1,-0.0015]");
    both("18446744073709551616", "1.8446744073709552e+19");
    both(
        "[9223372036854775807, 09, 1.2.3, 1e, 0xg, +, ., 12:30:45]",
        r#"[9223372036854775807,9,"1.2.3","1e","0xg","+",".","12:30:45"]"#,
    );
}

#[test]
fn dates_become_timestamps_in_the_new_dialect() {
    assert_eq!(old("[2001-01-01, 2001-12-14t21:59:43.10-05:00]"), r#"["2001-01-01","2001-12-14t21:59:43.10-05:00"]"#);
    assert_eq!(
        new("[2001-01-01, 2001-12-14t21:59:43.10-05:00, 2001-1-2 3:4:5, 2001-02-29, 2001-13-01]"),
        r#"["2001-01-01T00:00:00Z","2001-12-14T21:59:43.1-05:00","2001-01-02T03:04:05Z","2001-02-29","2001-13-01"]"#
    );
}

#[test]
fn tags_decide_what_a_scalar_is() {
    both(
        "[!!str 12, !!int '12', !!float 3, !!bool \"true\", !!binary aGk=, !custom x]",
        r#"["12",12,3,true,"hi","x"]"#,
    );
    both("!!int abc", "error: `abc` at line 1, column 1 cannot be read as `!!int`");
    both(".nan", "error: `.nan` at line 1, column 1 is no number that JSON can hold");
}

#[test]
fn merge_keys_bring_in_the_entries_of_a_map() {
    both("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", r#"{"a":{"p":1,"q":2},"b":{"p":1,"q":3}}"#);
    both(
        "a: &x {p: 1}\nb: &y {p: 2, r: 4}\nc:\n  <<: [*x, *y]",
        r#"{"a":{"p":1},"b":{"p":2,"r":4},"c":{"p":1,"r":4}}"#,
    );
    assert_eq!(old("a: &x {p: 1}\nb: {p: 2, <<: *x}"), r#"{"a":{"p":1},"b":{"p":1}}"#);
    assert_eq!(new("a: &x {p: 1}\nb: {p: 2, <<: *x}"), r#"{"a":{"p":1},"b":{"p":2}}"#);
    both("a: 1\n<<: 2", "error: a merge key (`<<`) at line 2, column 1 needs a map, or a list of maps");
    both("'<<': 2", r#"{"<<":2}"#);
}

#[test]
fn documents_come_one_after_the_other_and_empty_ones_are_left_out() {
    both("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", "{\"a\":1}\n{\"b\":2}");
    both("", "");
    both("# only a comment\n", "");
    both("\u{feff}a: 1\r\nb: 2\r\n", r#"{"a":1,"b":2}"#);
}

#[test]
fn an_error_says_where() {
    both(
        "a: 1\nb: [1, 2\n",
        "error: not valid YAML at line 3, column 1: while parsing a flow sequence, expected ',' or ']'",
    );
    both("? [a]\n: 1\n", "error: a key at line 1, column 3 is a list; keys are text");
    both("a: *x", "error: not valid YAML at line 1, column 4: while parsing node, found unknown anchor");
}

#[test]
fn lines_too_far_left_within_brackets_and_quotes_are_read_all_the_same() {
    let text = "a:\n  b: ['x',\n'y'\n]\n  c: \"p\nq \\\nr\n\ns\"\n  d: 'it''s\n{ \"é\": 1 }'\n  e: {f:\ng}\nh: 1\n";
    both(text, r#"{"a":{"b":["x","y"],"c":"p q r\ns","d":"it's { \"é\": 1 }","e":{"f":"g"}},"h":1}"#);
    let documents = parse(text, Dialect::Kustomize3).expect("it parses");
    let at = |path: &str| documents[0].position(&path.parse().expect("a path")).to_string();
    assert_eq!(at("/a/b/1"), "line 3, column 1");
    assert_eq!(at("/a/e"), "line 12, column 3");
    assert_eq!(at("/h"), "line 14, column 1");
    assert_eq!(changed(text, &["/a/e/f = 2", "/h = 3"]), text.replace("\ng}", "\n2}").replace("h: 1", "h: 3"));
    both(
        "a:\n  b: {c: 1,\nd: [}\n",
        "error: not valid YAML at line 3, column 5: while parsing a node, did not find expected node content",
    );
}

#[test]
fn a_key_that_stands_twice_is_reported_or_refused() {
    let text = "a: 1\nb: 2\na: 3\n";
    let documents = parse(text, Dialect::Kustomize3).expect("it parses");
    let duplicates: Vec<_> = documents.iter().flat_map(|document| &document.duplicates).collect();
    assert_eq!(
        format!("{duplicates:?}"),
        "[Duplicate { key: \"a\", first: Position { line: 1, column: 1 }, at: Position { line: 3, column: 1 } }]"
    );
    assert_eq!(old(text), r#"{"a":3,"b":2}"#);
    assert_eq!(new(text), "error: the key `a` at line 3, column 1 is already set at line 1, column 1");
    let many: String = (0..40).map(|n| format!("k{n}: 1\n")).collect();
    assert!(new(&format!("{many}k20: 2\n")).contains("`k20` at line 41, column 1 is already set at line 21"));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = n - 1;
        let uses = vec![format!("*a{before}"); 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{uses}]\n"));
    }
    assert!(old(&text).contains("aliases stand for more than 100000 values"), "{}", old(&text));
}

#[test]
fn a_tower_of_brackets_is_refused() {
    let text = "[".repeat(100_000);
    assert!(old(&text).starts_with("error: "), "{}", old(&text));
    let text = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(old(&text), "error: nested more than 128 levels deep at line 1, column 129");
    let block: String = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(old(&block).starts_with("error: nested more than 128 levels deep at line 129"));
}

#[test]
fn a_path_leads_to_a_place() {
    let documents = parse("a:\n  b:\n  - c: 1\n", Dialect::Kustomize3).expect("it parses");
    let at = |path: &str| documents[0].position(&path.parse().expect("a path")).to_string();
    assert_eq!(at("/a/b/0/c"), "line 3, column 5");
    assert_eq!(at("/a/b/7"), "line 2, column 3");
    assert_eq!(at(""), "line 1, column 1");
}

#[test]
fn text_is_written_so_that_nobody_misreads_it() {
    let value = json!({
        "plain": "nginx:1.7", "flag": "--port=80", "word": "yes", "octal": "0777", "date": "2001-01-01",
        "time": "12:30:45", "empty": "", "null": "null", "space": " x ", "colon": "a: b", "brace": "{x}", "n": true,
        "number": 1.5, "list": [], "map": {}, "nested": [[1, [2]], {"a": {"b": ["c"]}}], "control": "\u{1}\u{85}",
    });
    insta::assert_snapshot!(to_text(&value), @r#"
    brace: "{x}"
    colon: "a: b"
    control: "\x01\x85"
    date: "2001-01-01"
    empty: ""
    flag: --port=80
    list: []
    map: {}
    "n": true
    nested:
    - - 1
      - - 2
    - a:
        b:
        - c
    "null": "null"
    number: 1.5
    octal: "0777"
    plain: nginx:1.7
    space: " x "
    time: "12:30:45"
    word: "yes"
    "#);
}

#[test]
fn several_lines_become_a_block() {
    let value = json!({"a": "x\n  y\n\nz\n", "b": "x\ny", "c": "x\n\n\n", "d": "\n  x\n", "e": ["l1\nl2\n"], "f": "a\r\nb", "g": "\n\n"});
    insta::assert_snapshot!(to_text(&value), @r#"
    a: |
      x
        y

      z
    b: |-
      x
      y
    c: |+
      x


    d: |2

        x
    e:
    - |
      l1
      l2
    f: "a\r\nb"
    g: "\n\n"
    "#);
    assert_eq!(old(&to_text(&value)), value.to_string());
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[a-z \n\t:#'\"|>-]{0,16}",
        "[0-9xoeE+._:-]{1,8}",
        "\\PC{0,6}",
        any::<String>(),
        prop::sample::select(vec![
            "yes", "n", "~", "null", "---", "...", "- a", "? x", "<<", "=", "0x", "1e3", "!a", "&a", "*a"
        ])
        .prop_map(str::to_owned),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(texts(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// What is written is read back as the same value, in every dialect.
    #[test]
    fn what_is_written_is_read_back(value in values()) {
        let text = to_text(&value);
        for dialect in [Dialect::Kustomize3, Dialect::Kustomize5] {
            let found = parse(&text, dialect).map(|documents| documents.into_iter().map(Document::into_value).collect::<Vec<_>>());
            prop_assert_eq!(found.as_deref(), Ok(&[value.clone()][..]), "{}", text);
        }
    }

    /// No text makes the parser panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[-a-z0-9:{}\\[\\],&*!|>'\"#%@` \n\t?~<]{0,60}") {
        let _ = parse(&text, Dialect::Kustomize3);
    }

    /// An edit gives exactly the value asked for, or an error; it never panics.
    #[test]
    fn an_edit_does_what_it_says_or_nothing(value in values(), new in values(), pick in any::<prop::sample::Index>(), remove in any::<bool>()) {
        let mut paths = vec![kfplan_model::Path::root()];
        collect(&value, &kfplan_model::Path::root(), &mut paths);
        let path = pick.get(&paths).clone();
        let change = if remove { Edit::Remove { path } } else { Edit::Set { path, value: new } };
        let _ = edit(&to_text(&value), Dialect::Kustomize3, &[change]);
    }
}

fn collect(value: &Value, path: &kfplan_model::Path, paths: &mut Vec<kfplan_model::Path>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                paths.push(path.key(key));
                collect(value, &path.key(key), paths);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                paths.push(path.key(&place.to_string()));
                collect(item, &path.key(&place.to_string()), paths);
            }
        }
        _ => {}
    }
}

const WORKFLOWS: &str = "{
# the executor
executorImage: argoproj/argoexec:v2.3.0,
containerRuntimeExecutor: docker, # not on containerd
artifactRepository:
{
    s3: { bucket: mlpipeline, insecure: true }
}
}
";

/// The text after the changes, each `path = JSON` or `- path`.
fn changed(text: &str, changes: &[&str]) -> String {
    let edits: Vec<Edit> = changes
        .iter()
        .map(|change| match change.split_once(" = ") {
            Some((path, value)) => {
                Edit::Set { path: path.parse().expect("a path"), value: serde_json::from_str(value).expect("JSON") }
            }
            None => Edit::Remove { path: change.trim_start_matches("- ").parse().expect("a path") },
        })
        .collect();
    edit(text, Dialect::Kustomize3, &edits).unwrap_or_else(|error| format!("error: {error}"))
}

#[test]
fn a_value_in_a_flow_map_is_exchanged_and_nothing_else() {
    assert_eq!(
        changed(WORKFLOWS, &["/containerRuntimeExecutor = \"pns\"", "/artifactRepository/s3/insecure = false"]),
        WORKFLOWS.replace("docker", "pns").replace("insecure: true", "insecure: false")
    );
}

#[test]
fn a_key_of_a_flow_map_is_added_and_removed() {
    assert_eq!(
        changed(WORKFLOWS, &["- /executorImage", "/artifactRepository/s3/region = \"x: y\"", "/parallelism = 3"]),
        "{
# the executor
containerRuntimeExecutor: docker, # not on containerd
artifactRepository:
{
    s3: { bucket: mlpipeline, insecure: true, region: \"x: y\" }
},
parallelism: 3
}
"
    );
    assert_eq!(changed("{a: 1,\n}", &["/b = 2"]), "{a: 1, b: 2,\n}");
    assert_eq!(changed("{a: 1, b: 2}", &["- /b"]), "{a: 1}");
    assert_eq!(changed("{a: 1, b: 2}", &["- /a"]), "{b: 2}");
    assert_eq!(changed("{a: 1}", &["- /a", "/x/y = true"]), r#"{"x":{"y":true}}"#);
    assert_eq!(changed("{\"a\": [1, 2]}", &["/a/- = \"x\"", "/b = null"]), "{\"a\": [1, 2, \"x\"], \"b\": null}");
}

const BLOCK: &str = "# head
executor:
  image: a:1   # pinned
  args: [x]
  env:
  - name: A
    value: \"1\"
  # about B
  - name: B
    value: '2'
script: |
  one
  two
# tail
last: true
";

#[test]
fn a_value_in_a_block_map_is_exchanged_and_nothing_else() {
    assert_eq!(
        changed(
            BLOCK,
            &["/executor/image = \"b:2\"", "/executor/env[name=B]/value = \"yes\"", "/script = \"three\\nfour\\n\""]
        ),
        BLOCK.replace("a:1", "b:2").replace("'2'", "\"yes\"").replace("one\n  two", "three\n  four")
    );
    assert_eq!(changed(BLOCK, &["/script = 1"]), BLOCK.replace("|\n  one\n  two", "1"));
    assert_eq!(
        changed(BLOCK, &["/executor/env = {\"C\": [1]}"]),
        BLOCK.replace("  - name: A\n    value: \"1\"\n  # about B\n  - name: B\n    value: '2'\n", "    C:\n    - 1\n")
    );
}

#[test]
fn a_key_of_a_block_map_is_added_and_removed() {
    assert_eq!(
        changed(BLOCK, &["/executor/more/deep = [1, {\"a\": 2}]"]),
        BLOCK.replace("    value: '2'\n", "    value: '2'\n  more:\n    deep:\n    - 1\n    - a: 2\n")
    );
    assert_eq!(
        changed(BLOCK, &["/executor/env/- = {\"name\": \"C\"}", "/end = \"x\""]),
        BLOCK.replace("    value: '2'\n", "    value: '2'\n  - name: C\n") + "end: x\n"
    );
    assert_eq!(changed(BLOCK, &["- /executor/env[name=A]"]), BLOCK.replace("  - name: A\n    value: \"1\"\n", ""));
    assert_eq!(changed(BLOCK, &["- /executor/env/1/name"]), BLOCK.replace("name: B\n    value", "value"));
    assert_eq!(changed(BLOCK, &["- /script"]), BLOCK.replace("script: |\n  one\n  two\n", ""));
    assert_eq!(changed("a:\n  b: 1\nc: 2\n", &["- /a/b"]), "a: {}\nc: 2\n");
    assert_eq!(changed("a:\n  b: 1", &["/a/c = 2"]), "a:\n  b: 1\n  c: 2");
    assert_eq!(changed("a:\nb: 1\n", &["/a/x = 2"]), "a:\n  x: 2\nb: 1\n");
    assert_eq!(changed("é: ü # ñ\nb: 1\n", &["/é = \"ö\"", "/b = 2"]), "é: ö # ñ\nb: 2\n");
}

#[test]
fn an_edit_that_cannot_be_made_says_why() {
    assert_eq!(changed(BLOCK, &["- /nothing/here"]), "error: there is nothing at `/nothing/here`");
    assert_eq!(changed(BLOCK, &["/last/x = 1"]), "error: `/last/x` leads through a truth value");
    assert_eq!(
        changed("a: &x {b: 1}\nc: *x\n", &["/c/b = 2"]),
        "error: `/c/b` is an alias or stands behind one, so changing it would change other places too"
    );
    assert_eq!(changed("a: &x {b: 1}\nc: *x\n", &["/c = 2"]), "a: &x {b: 1}\nc: 2\n");
    assert_eq!(changed("a: 1\n---\nb: 2\n", &["/a = 2"]), "error: the text holds 2 YAML documents; one is needed");
    assert_eq!(changed("a: [", &["/a = 2"]), "error: the document cannot be read");
}
