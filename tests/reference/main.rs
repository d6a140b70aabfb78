//! The generated references are what the binary says today. `KFPLAN_BLESS=1 cargo test -p kfplan-tests --test
//! reference` writes them anew.

mod codes;
mod commands;
mod examples;
mod schemas;

/// Holds a file of the repository against what it is generated from.
fn holds(path: &str, generated: &str) {
    let file = kfplan_tests::root().join(path);
    if std::env::var("KFPLAN_BLESS").as_deref() == Ok("1") {
        std::fs::create_dir_all(file.parent().expect("a file in a folder")).expect("a writable checkout");
        std::fs::write(&file, generated).expect("a writable checkout");
        return;
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = there.lines().zip(generated.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| there.lines().count().min(generated.lines().count()));
    assert!(
        there == generated,
        "`{path}` is not what kfplan says today, from line {}:\n  there: {}\n  today: {}\n\
         look whether the change is wanted, then write it anew with KFPLAN_BLESS=1",
        line + 1,
        there.lines().nth(line).unwrap_or("(the end)"),
        generated.lines().nth(line).unwrap_or("(the end)"),
    );
}
