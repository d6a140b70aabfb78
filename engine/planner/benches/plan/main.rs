//! How long a plan takes in which nothing changes, and one in which one thing does, by the number of nodes.
//!
//! Each node has two edges. Once every node is a resource with two `depends_on`, once an object of one resource that
//! comes after two others. Each measurement plans 100,000 nodes, be it a hundred worlds of 1,000 or one of 100,000, so
//! that all of them find memory as cold as a command that plans once: the times can be compared as they stand, and one
//! hundred-thousandth of each is the time per node. `cargo bench -p kfplan-planner`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kfplan_planner::Answer;

use case::Case;

mod case;

/// The binary's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many nodes are planned in each measurement.
const NODES: usize = 100_000;

fn plans(criterion: &mut Criterion) {
    for (name, make) in [("resources", Case::resources as fn(usize, bool) -> Case), ("objects", Case::objects)] {
        for changes in [false, true] {
            let what = if changes { "one change" } else { "no change" };
            let mut group = criterion.benchmark_group(format!("plan of {name}, {what}"));
            group.sample_size(10).throughput(Throughput::Elements(NODES as u64));
            for count in [1_000, 10_000, NODES] {
                let cases: Vec<Case> = (0..NODES / count).map(|_| make(count, changes)).collect();
                match cases.first().map(Case::plan) {
                    Some(Answer::Plan(planned)) => assert_eq!(planned.plan.has_changes(), changes),
                    Some(Answer::Ask(questions)) => panic!("{} questions are open", questions.len()),
                    None => panic!("there is nothing to measure"),
                }
                group.bench_function(format!("{count}"), |bencher| {
                    bencher.iter(|| cases.iter().for_each(|case| drop(black_box(case.plan()))));
                });
            }
            group.finish();
        }
    }
}

criterion_group!(benches, plans);
criterion_main!(benches);
