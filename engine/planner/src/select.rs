//! `--target` and `--exclude`: which steps are taken, and whether the names on
//! the command line name anything.

use kfplan_graph::Dag;
use kfplan_plan::Severity;

use crate::error::PlanError;
use crate::input::Adoption;
use crate::inventory::{Fate, Inventory};
use crate::order::Graph;
use crate::pattern::Pattern;

impl<'a> Inventory<'a> {
    /// Refuses names that name nothing, and short ones that name several things.
    pub(crate) fn check_names(&mut self) {
        let options = self.input.options;
        let adopt = match &options.adopt {
            Adoption::All => Vec::new(),
            Adoption::Only(names) => names.iter().collect(),
        };
        let given: [(&'static str, Vec<&String>); 5] = [
            ("--target", options.targets.iter().collect()),
            ("--exclude", options.excludes.iter().collect()),
            ("--replace", options.replace.iter().collect()),
            ("--adopt", adopt),
            ("--confirm-replace", options.confirm_replace.iter().collect()),
        ];
        for (option, names) in given {
            for text in names {
                self.check_name(option, text);
            }
        }
    }

    fn check_name(&mut self, option: &'static str, text: &str) {
        let pattern = Pattern::read(text);
        let named: Vec<u32> = self.named(&pattern);
        let mut named = named;
        if option == "--confirm-replace" {
            named.extend((0..self.nodes.len() as u32).filter(|&node| self.has_own_name(node, text)));
            named.sort_unstable();
            named.dedup();
        }
        if named.is_empty() {
            self.errors.push(PlanError::NamesNothing { option, text: text.to_owned() });
        }
        if matches!(pattern, Pattern::Short(_)) && named.len() > 1 {
            let names = named.iter().take(10).map(|&node| self.nodes[node as usize].address.to_string()).collect();
            self.errors.push(PlanError::NamesSeveral { option, text: text.to_owned(), names });
        }
    }

    fn named(&self, pattern: &Pattern) -> Vec<u32> {
        let is_named = |number: &u32| {
            let node = &self.nodes[*number as usize];
            !node.is_merged && pattern.names(&node.address)
        };
        (0..self.nodes.len() as u32).filter(is_named).collect()
    }

    fn all_named(&self, names: &[String]) -> Vec<u32> {
        names.iter().flat_map(|text| self.named(&Pattern::read(text))).collect()
    }

    /// Which nodes are selected: the targets with all that they wait for, less what is excluded with all that waits for it.
    pub(crate) fn selection(&self, graph: &Graph, dag: &Dag) -> Vec<bool> {
        let options = self.input.options;
        let mut selected = vec![options.targets.is_empty(); graph.nodes as usize];
        if !options.targets.is_empty() {
            let targets = self.all_named(&options.targets).into_iter().map(|node| node as usize);
            for vertex in dag.ancestors(targets) {
                if let Some(selected) = selected.get_mut(vertex) {
                    *selected = true;
                }
            }
        }
        if !options.excludes.is_empty() {
            let excluded = self.all_named(&options.excludes);
            // What goes with its container stays only if the container does.
            let holders = excluded.iter().filter(|&&node| self.nodes[node as usize].fate == Fate::Implied);
            let holders: Vec<u32> = holders.flat_map(|&node| self.chain(node)).collect();
            for vertex in dag.descendants(excluded.into_iter().chain(holders).map(|node| node as usize)) {
                if let Some(selected) = selected.get_mut(vertex) {
                    *selected = false;
                }
            }
        }
        selected
    }

    /// Says what a selection leaves out, and drops what was said about it.
    pub(crate) fn apply_selection(&mut self, selected: &[bool]) {
        let options = self.input.options;
        if options.targets.is_empty() && options.excludes.is_empty() {
            return;
        }
        let left_out = |number: u32| !selected[number as usize];
        let notes = std::mem::take(&mut self.notes);
        self.notes = notes
            .into_iter()
            .filter(|note| {
                let node = note.address.as_ref().and_then(|address| self.find(address));
                !node.is_some_and(left_out)
            })
            .collect();
        let is_change = |node: &u32| matches!(self.nodes[*node as usize].fate, Fate::Change(_));
        let changes: Vec<u32> = (0..self.nodes.len() as u32).filter(is_change).collect();
        let taken = changes.iter().filter(|&&node| !left_out(node)).count();
        let message = format!("only part of the plan: {taken} of {} changes are selected", changes.len());
        self.notes.push(kfplan_plan::Note {
            severity: Severity::Warning,
            code: "plan::selection".to_owned(),
            address: None,
            message,
            help: Some("plan again without `--target` and `--exclude` to see the rest".to_owned()),
        });
    }
}
