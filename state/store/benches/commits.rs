//! How many durable commits a second: an intent with a body of 2 KiB, then its outcome.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kfplan_plan::{
    ArmLocator, Digest, Entry, Journal as _, Locator, Protection, RECORD_FORMAT, Record, RecordState, RunId, Sealed,
    StackKey,
};
use kfplan_store::{Birth, Holder, Opening, Store};

fn store(folder: &std::path::Path) -> Store {
    let holder =
        Holder { pid: 1, host: "bench".to_owned(), user: "bench".to_owned(), command: "bench".to_owned(), since: 0 };
    let birth = || Birth { lineage: "bench".to_owned(), key: StackKey::from_bytes([1; 32]) };
    Opening::new(folder, holder, &birth).open().expect("the state opens")
}

fn entries(number: u64) -> [Entry; 2] {
    let text: String =
        (0..64).map(|part| format!("{:032x}", (number * 64 + part).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let sent = Sealed::public(serde_json::json!({ "text": text }));
    let record = Record {
        format: RECORD_FORMAT,
        address: format!("resource_group.n{}", number % 1_000).parse().expect("an address"),
        locator: Locator::Arm(ArmLocator { id: format!("/subscriptions/s/{number}"), api_version: "1".to_owned() }),
        cluster: None,
        state: RecordState::Settled,
        uid: Some("uid".to_owned()),
        version: Some("1".to_owned()),
        after: Vec::new(),
        container: None,
        application: None,
        protection: Protection::None,
        outputs: [].into(),
        sent: Some(Digest::of_json(sent.body())),
        differences: Vec::new(),
        owned: None,
        adopted: false,
        run: RunId("run".to_owned()),
        sequence: 0,
    };
    let record = Box::new(record);
    [Entry::Intended { record: record.clone(), sent: Some(sent) }, Entry::Settled { record }]
}

fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commits");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    for batch in [1_u64, 16] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = store(folder.path());
        let mut number = 0;
        group.throughput(Throughput::Elements(batch));
        group.bench_function(format!("batches of {batch}"), |bencher| {
            bencher.iter(|| {
                let all: Vec<Entry> = (0..batch).flat_map(|place| entries(number + place)).collect();
                number += batch;
                store.append(black_box(&all)).expect("it is durable");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, commits);
criterion_main!(benches);
