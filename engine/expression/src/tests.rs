//! What expressions mean, shown by evaluating them against one small world.

use kfplan_model::{Each, Late, ResourceAddress, Value};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn address(text: &str) -> ResourceAddress {
    text.parse().expect("an address")
}

fn late(template: &str, waits: &[&str]) -> Value {
    Value::Late(Late { template: template.into(), waits: waits.iter().map(|text| address(text)).collect() })
}

fn with(mut map: Value, entries: &[(&str, Value)]) -> Value {
    if let Value::Map(map) = &mut map {
        map.extend(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    }
    map
}

/// A world in which a cluster's `fqdn` is known after apply and a password is sensitive.
fn world() -> Names {
    let mut names = Names::default();
    names.environment = "prod".to_owned();
    let vars = json!({"location": "westus2", "gpus": 2, "share": 0.5, "on": true, "zones": ["1", "2"],
                      "labels": {"b": "2", "a": "1", "a.b/c": "x"}, "empty": null});
    for (name, value) in vars.as_object().expect("an object") {
        names.variables.insert(name.clone(), Value::from(value));
    }
    names.variables.insert("password".to_owned(), Value::from("hunter2").into_sensitive());
    names.variables.insert("missing".to_owned(), late("${vars.missing}", &[]));
    let login = Value::Map(
        [("user".to_owned(), Value::from("me")), ("secret".to_owned(), Value::from("hunter2").into_sensitive())].into(),
    );
    names.variables.insert("login".to_owned(), login);
    let cluster = with(
        Value::from(&json!({"name": "kf", "count": 3})),
        &[
            ("fqdn", late("${aks_cluster.main.fqdn}", &["aks_cluster.main"])),
            ("identity", late("${aks_cluster.main.identity}", &["aks_cluster.main"])),
            ("token", late("${aks_cluster.main.token}", &["aks_cluster.main"]).into_sensitive()),
        ],
    );
    names.insert(address("aks_cluster.main"), cluster);
    for key in ["t4", "a100"] {
        let pool = address("aks_node_pool.gpu").with_key(key);
        let id = late(&format!("${{{pool}.id}}"), &["aks_node_pool.gpu"]);
        names.insert(pool, with(Value::from(&json!({"name": key})), &[("id", id)]));
    }
    let size = Value::from("big");
    let endpoint = late("${aks_cluster.main.fqdn}", &["aks_cluster.main"]);
    let pool = Value::Handle(address("aks_cluster.main"));
    names.each = Some(Each {
        key: "t4".into(),
        value: Value::Map(
            [("size".to_owned(), size), ("endpoint".to_owned(), endpoint), ("cluster".to_owned(), pool)].into(),
        ),
    });
    names
}

fn shown(template: &str) -> String {
    match evaluate(template, &world()) {
        Ok(Value::Late(late)) => {
            let waits: Vec<String> = late.waits.iter().map(ToString::to_string).collect();
            format!("late {:?} waits for [{}]", late.template, waits.join(", "))
        }
        Ok(Value::Sensitive(inner)) => match &*inner {
            Value::Late(late) => format!("sensitive, late {:?}", late.template),
            known => format!("sensitive {known:?}"),
        },
        Ok(value) => format!("{value:?}"),
        Err(errors) => errors
            .iter()
            .map(|error| {
                let at = template.get(error.span()).unwrap_or("<outside>");
                format!("at `{at}`: {error}; {}", error.help())
            })
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn table(templates: &[&str]) -> String {
    templates
        .iter()
        .map(|template| format!("{template}\n    {}", shown(template).replace('\n', "\n    ")))
        .collect::<Vec<_>>()
        .join("\n")
}

fn listed(template: &str) -> String {
    match references(template) {
        Ok(references) => references
            .iter()
            .map(|reference| {
                format!(
                    "{reference} {:?} `{}`",
                    reference.used_as,
                    template.get(reference.span.clone()).unwrap_or("<outside>")
                )
            })
            .collect::<Vec<_>>()
            .join("\n    "),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n    "),
    }
}

#[test]
fn a_value_keeps_its_type_and_text_takes_it_in() {
    insta::assert_snapshot!(table(&[
        "plain",
        "",
        "$",
        "$$",
        "a$b",
        "$${x}",
        "$$${vars.gpus}",
        "cost: 5$",
        "${vars.gpus}",
        "${ vars.gpus * 2 + 1 }",
        "${vars.share}",
        "${vars.on}",
        "${vars.zones}",
        "${vars.labels}",
        "${vars.labels['a.b/c']}",
        "${vars.labels.b}",
        "n=${vars.gpus}",
        "${vars.share}/${vars.on}",
        "${vars.location}-${env.name}",
        "${'}'}",
        "${\"${\"}",
        "${'''a'b'''}",
        r"${r'\'}",
        "${{'a': {'b': 1}}.a.b}",
        "${vars.gpus // a comment }\n}",
        "${env.name == 'prod' ? vars.gpus : 0}",
        "${vars.zones.map(z, 'z' + z).join(',')}",
        "${vars.labels.map(k, k)}",
        "${size(vars.zones) > 1 && vars.on}",
        "${'%s-%d'.format([vars.location, vars.gpus])}",
        "${vars.location.upperAscii()}",
        "${math.greatest(vars.gpus, 7)}",
        "${int('7')}",
        "${vars.empty}",
        "${has(vars.labels.zzz)}",
        "${lists.range(3)}",
        "${[3,1,2].sort()}",
        "${uint(3)}",
        "${has(aks_cluster.other) ? aks_cluster.other.name : 'none'}",
        "${has(aks_cluster.main)}",
        "é${vars.location}é",
    ]));
}

#[test]
fn what_reads_something_late_is_late_and_what_is_sensitive_stays_so() {
    insta::assert_snapshot!(table(&[
        "${aks_cluster.main.name}",
        "${aks_cluster.main.fqdn}",
        "https://${aks_cluster.main.fqdn}/",
        "${aks_cluster.main.fqdn.size()}",
        "${aks_cluster.main.identity.client_id}",
        "${vars.missing}",
        "x-${vars.missing}",
        "${env.name == 'prod' ? 'x' : aks_cluster.main.fqdn}",
        "${has(aks_cluster.main.fqdn)}",
        "${aks_node_pool.gpu.map(k, aks_node_pool.gpu[k].name)}",
        r#"${aks_node_pool.gpu["t4"].name}"#,
        "${aks_node_pool.gpu[each.key].name}",
        "${size(aks_node_pool.gpu)}",
        "${vars.password}",
        "p=${vars.password}",
        "${vars.password.size()}",
        "${vars.login}",
        "${vars.login.user}",
        "${[vars.login.user]}",
        "${size(vars.login)}",
        "${vars.password + aks_cluster.main.fqdn}",
        "${aks_cluster.main.token}",
        "${aks_cluster.main.token}${vars.location}",
        "${each.key}",
        "${each.value.size}",
        "${each.value.endpoint}",
        "https://${each.value.endpoint}",
        "${each.value.cluster}",
        "${each.value.endpoint + each.value.size}",
    ]));
}

#[test]
fn a_resource_alone_is_a_handle() {
    insta::assert_snapshot!(table(&[
        "${aks_cluster.main}",
        "${ aks_cluster.main }",
        r#"${aks_node_pool.gpu["t4"]}"#,
        "${aks_node_pool.gpu[each.key]}",
        "${aks_node_pool.gpu}",
        "${env.name == 'prod' ? aks_cluster.main : aks_cluster.other}",
        "${env.name == 'dev' ? aks_cluster.main : aks_cluster.other}",
        "${aks_cluster.other}",
        r#"${aks_node_pool.gpu["v100"]}"#,
        "x-${aks_cluster.main}",
        r#"${aks_cluster.main["name"]}"#,
        r#"${aks_cluster.main["fqdn"]}"#,
        r#"${aks_cluster.main["token"]}"#,
        "${vars.missing == '' ? aks_cluster.main : aks_cluster.main}",
    ]));
}

#[test]
fn an_error_says_where_and_what_to_write_instead() {
    insta::assert_snapshot!(table(&[
        "a ${vars.location",
        "a ${'x} b",
        "${}",
        "${  }",
        "${var.location}",
        "${location}",
        "${vars}",
        "${env.HOME}",
        "${each.index}",
        "${local.x.y}",
        "${resource_group.my-rg.name}",
        "${vars.a-b}",
        "${vars.gpus -1}",
        "${vars.gpus-each.value.n}",
        "${vars.location +}",
        "${vars.location ! }",
        "${1 2}",
        "${vars..x}",
        "${a.in}",
        "${if vars.on then 1}",
        "${vars.locaton}",
        "${vars.labels.zzz}",
        "${vars.labels.zzz + 'x'}",
        "${aks_cluster.nope.name}",
        "${aks_cluster.main.nope}",
        "${vars.location * 2}",
        "${vars.gpus / 0}",
        "${vars.gpus + 0.5}",
        "${vars.zones[7]}",
        "${upper(vars.location)}",
        "${vars.location.startWith('w')}",
        "${vars.zones}x",
        "${vars.labels}x",
        "x${vars.empty}",
        "${b'abc'}",
        "${duration('1h')}",
        "${type(1)}",
        "${vars.password * 2}",
        "${int(vars.password)}",
        "${vars.labels[vars.password]}",
        "${vars.a.?b}",
        "${optional.of(1)}",
        "${Foo{a: 1}}",
        "${import.x}",
        "${vars.x)}",
        "${vars.on ? 1}",
        "${(((((((((((((((((((((((((((1)))))))))))))))))))))))))))}",
        "${!!!!!!vars.on}",
        "${vars.gpus; }",
        "${a@b}",
        "${aks_cluster.Main.name}",
        "ok ${vars.nope} and ${vars.nope2}",
        "${each.value.cluster.name}",
        "${lists.range(900000)}",
        "${lists.range(900000).map(x, x)}",
        "${'a'.replace('a', 'aaaaaaaaaa').replace('a', 'aaaaaaaaaa').replace('a', 'aaaaaaaaaa').replace('a', 'aaaaaaaaaa').replace('a', 'aaaaaaaaaa').replace('a', 'aaaaaaaaaa').size()}",
        "${[1].map(a, [1].map(b, [1].map(c, [1].map(d, [1].map(e, e)))))}",
        "${é.x}",
        "${'é' + vars.nope}",
        "é ${vars.é}",
    ]));
}

#[test]
fn references_are_listed_without_the_variables_of_comprehensions() {
    let templates = [
        "x",
        "${resource_group.main.name}-${vars.location}",
        "${aks_cluster.kf.labels['a.b/c']}",
        r#"${aks_node_pool.gpu["t4"].id}"#,
        "${aks_node_pool.gpu[each.key].name}",
        "${vars.zones.map(z, z + vars.location)}",
        "${vars.list[0].x}",
        "${has(aks_cluster.a.b)}",
        "${aks_cluster.a == aks_cluster.b}",
        "${aks_cluster.a}",
        "${env.name == 'x' ? aks_cluster.a : aks_cluster.b}",
        "${each.value.x.y}",
        "${vars.a.exists(x, x == vars.b) && type(vars.c) == int}",
        "${vars.a.filter(vars, vars > 1)}",
        "${a.b.c.contains(d.e.f)}",
        "${math.abs(vars.n)}",
    ];
    insta::assert_snapshot!(templates.map(|template| format!("{template}\n    {}", listed(template))).join("\n"));
}

#[test]
fn every_function_that_is_listed_is_there() {
    for name in crate::functions::FUNCTIONS {
        let calls = [format!("{name}(1)"), format!("'x'.{name}()"), format!("[1].{name}(x, true)")];
        let is_there = |call: &String| !shown(&format!("${{{call}}}")).contains(&format!("`{name}` is not known here"));
        assert!(calls.iter().any(is_there), "{name}");
    }
    assert!(crate::functions::FUNCTIONS.is_sorted());
}

#[test]
fn a_late_value_is_resolved_once_more_is_known() {
    let mut names = world();
    let value = evaluate("https://${aks_cluster.main.fqdn}", &names).expect("evaluates");
    names.insert(address("aks_cluster.main"), Value::from(&json!({"fqdn": "kf.example"})));
    assert_eq!(resolve(&value, &names), Ok(Value::from("https://kf.example")));
}

#[test]
fn no_error_shows_a_sensitive_value() {
    for expression in [
        "vars.password + 1",
        "vars.labels[vars.password]",
        "int(vars.password)",
        "vars.password.substring(99)",
        "[vars.password][7]",
        "{'a': 1}[vars.password]",
        "vars.password.charAt(100)",
        "timestamp(vars.password)",
        "-vars.password",
        "'x'.matches(vars.password + '(')",
        "vars.password ? 1 : 2",
        "{vars.password: 1, vars.password: 2}",
        "vars.password.x",
        "aks_node_pool.gpu[vars.password]",
        "vars.login.secret.y",
    ] {
        let shown = shown(&format!("${{{expression}}}"));
        assert!(!shown.contains("hunter2"), "{expression}: {shown}");
        assert!(shown.contains("at `"), "{expression} fails: {shown}");
    }
}

#[test]
fn long_chains_stay_within_the_stack() {
    let on_a_small_stack = std::thread::Builder::new().stack_size(1 << 20);
    let worker = on_a_small_stack.spawn(|| {
        for (unit, count) in [
            ("1+", 140),
            ("!", 200),
            ("vars.on?1:", 60),
            ("-", 200),
            ("(", 24),
            ("[", 24),
            ("vars.a.", 100),
            ("{1:", 24),
            ("a.b(", 24),
        ] {
            let _ = shown(&format!("${{{}1}}", unit.repeat(count)));
            let close = match unit {
                "(" | "a.b(" => ")",
                "[" => "]",
                "{1:" => "}",
                _ => "",
            };
            let _ = shown(&format!("${{{}1{}}}", unit.repeat(count), close.repeat(count)));
        }
    });
    assert!(worker.expect("a thread").join().is_ok());
}

proptest! {
    /// No text makes anything panic, and every error lies within the text.
    #[test]
    fn any_text_is_evaluated_or_refused(text in "(\\$\\{|[ -~é\n]|vars\\.|\\}|'|\"){0,40}") {
        if let Err(errors) = evaluate(&text, &world()) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(text.get(error.span()).is_some(), "{:?} of {:?}", error, text);
            }
        }
    }

    /// The same with the words of the language.
    #[test]
    fn any_row_of_words_is_evaluated_or_refused(words in prop::collection::vec(prop::sample::select(vec![
        "vars", ".", "location", "zones", "(", ")", "[", "]", "{", ":", ",", "+", "-", "!", "?", "&&", "==", "1", "0.5", "1u", "'a'", "b'x'", "r'\\'", "map", "has",
        "filter", "x", "in", "aks_cluster.main", "aks_node_pool.gpu", "each.key", "env.name", " ", "null", "true", "sortBy", "all", "@", "\\", "`", "9223372036854775808",
        "format", "matches", "%s", "size", "int", "type", "//", "\n", "é", "math.greatest", "string", "1e999", "0x", "'\\", "\"", "'''", "optional.none()", "_", "dyn",
    ]), 0..14)) {
        let text = format!("${{{}}}", words.concat());
        if let Err(errors) = evaluate(&text, &world()) {
            for error in errors {
                prop_assert!(text.get(error.span()).is_some(), "{:?} of {:?}", error, text);
            }
        }
    }

    /// Literal text comes back as it was, with `${` written `$${`.
    #[test]
    fn text_is_kept(text in "[ -~é$\\{\\}]{0,30}") {
        let written = text.replace("${", "$${");
        prop_assert_eq!(evaluate(&written, &world()), Ok(Value::from(text.as_str())));
    }
}
