//! Checks a syntax tree, lists what it reads, and makes it ready for evaluating.

use std::ops::Range;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use cel::{ParseErrors, Program};
use kfplan_model::ResourceAddress;

use crate::cel_value::shortened;
use crate::error::ExpressionError;
use crate::functions::{FUNCTIONS, NAMESPACES, TYPES, nearest};
use crate::reference::{Reference, Root, Step, Use};

/// How deep comprehensions may nest.
const MAX_LOOPS: usize = 4;

/// The function that gives what a comprehension goes through, in a fixed order and
/// within bounds. No expression can call it by name.
pub(crate) const ORDERED: &str = "@ordered";
/// The function that bounds the size of what another one gives.
pub(crate) const BOUNDED: &str = "@bounded";

/// A tree that may be evaluated.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) tree: IdedExpr,
    pub(crate) references: Vec<Reference>,
    /// Whether the whole expression is one reference, the first of `references`.
    pub(crate) is_plain: bool,
}

/// CEL's own errors, the first of each place, in the words of a person.
pub(crate) fn parse_errors(source: &str, errors: &ParseErrors) -> Vec<ExpressionError> {
    let first = errors.errors.first();
    let (position, message) = first.map_or(((0, 0), ""), |error| (error.pos, error.msg.as_str()));
    let at = offset(source, position);
    let quoted = message.split('\'').nth(1).unwrap_or_default();
    let rest = source.get(at..).unwrap_or_default();
    let (length, message) = if quoted.contains("<EOF>") || rest.trim().is_empty() {
        (0, "the expression ends too early".to_owned())
    } else if message.contains("token recognition error") {
        let hint = if quoted.trim() == "=" { "; to compare, write `==`" } else { "" };
        (1, format!("`{}` is no part of an expression{hint}", shortened(quoted.trim())))
    } else if message.contains("xtraneous input") || message.contains("ismatched input") {
        (quoted.len(), format!("`{}` is not expected here", shortened(quoted)))
    } else {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()).max(1);
        (word, format!("this is not understood from `{}` on", shortened(rest)))
    };
    let mut end = (at + length).min(source.len());
    while !source.is_char_boundary(end) {
        end += 1;
    }
    vec![ExpressionError::Syntax { span: at..end, message }]
}

/// The byte at a line and column, both counted from 1 as CEL does.
fn offset(source: &str, (line, column): (isize, isize)) -> usize {
    let (line, column) = (usize::try_from(line).unwrap_or(0), usize::try_from(column).unwrap_or(0));
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = source.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// Checks the tree of `program`; `whole` says whether the string is this expression alone.
pub(crate) fn check(source: &str, program: &Program, whole: bool) -> Result<Checked, Vec<ExpressionError>> {
    let tree = program.expression();
    let mut walk = Walk { source, program, bound: Vec::new(), loops: 0, references: Vec::new(), errors: Vec::new() };
    if whole {
        walk.whole(tree);
    } else {
        walk.visit(tree);
    }
    if !walk.errors.is_empty() {
        return Err(walk.errors);
    }
    let is_plain = walk.references.len() == 1
        && walk.path(tree).is_some_and(|path| path.computed.is_empty())
        && walk.references.first().is_some_and(|reference| reference.used_as != Use::Test);
    let mut references = walk.references;
    references.sort_by_key(|reference| reference.span.start);
    Ok(Checked { tree: made_ready(tree), references, is_plain })
}

/// A chain of selections and indexes that begins with an identifier.
struct Chain<'a> {
    root: &'a str,
    root_id: u64,
    steps: Vec<Step>,
    /// Indexes that are expressions of their own.
    computed: Vec<&'a IdedExpr>,
    is_test: bool,
}

struct Walk<'a> {
    source: &'a str,
    program: &'a Program,
    bound: Vec<String>,
    loops: usize,
    references: Vec<Reference>,
    errors: Vec<ExpressionError>,
}

impl<'a> Walk<'a> {
    /// The byte at which a node is placed; for a call that is its opening bracket.
    fn start(&self, id: u64) -> usize {
        let start = self.program.source_info().offset_for(id).map_or(0, |(start, _)| start as usize);
        (start..self.source.len()).find(|at| self.source.is_char_boundary(*at)).unwrap_or(self.source.len())
    }

    /// The name that stands before the opening bracket of a call.
    fn called(&self, id: u64) -> Range<usize> {
        let before = self.source.get(..self.start(id)).unwrap_or_default().trim_end();
        let name = before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
        if name < before.len() { name..before.len() } else { self.word_at(self.start(id)) }
    }

    fn word_at(&self, at: usize) -> Range<usize> {
        let rest = self.source.get(at..).unwrap_or_default();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len())
            .max(usize::from(!rest.is_empty()));
        at..at + end
    }

    /// A whole string: a resource alone, or a choice between such, is a handle.
    fn whole(&mut self, expr: &'a IdedExpr) {
        if let Expr::Call(CallExpr { func_name, target: None, args }) = &expr.expr
            && let ("_?_:_", [condition, this, that]) = (func_name.as_str(), args.as_slice())
        {
            self.visit(condition);
            self.whole(this);
            self.whole(that);
            return;
        }
        let before = self.references.len();
        self.visit(expr);
        if self
            .path(expr)
            .is_some_and(|chain| matches!(chain.steps.as_slice(), [_] | [_, Step::Key(_) | Step::Computed]))
            && let Some(reference) = self.references.get_mut(before..).and_then(<[_]>::last_mut)
            && matches!(reference.root, Root::Resource(_))
            && reference.used_as == Use::Read
        {
            reference.used_as = Use::Handle;
        }
    }

    fn path(&self, expr: &'a IdedExpr) -> Option<Chain<'a>> {
        let mut steps = Vec::new();
        let mut computed = Vec::new();
        let mut is_test = false;
        let mut at = expr;
        let (root, root_id) = loop {
            match &at.expr {
                Expr::Ident(name) => break (name.as_str(), at.id),
                Expr::Select(SelectExpr { operand, field, test }) => {
                    is_test |= *test;
                    steps.push(Step::Field(field.clone()));
                    at = operand;
                }
                Expr::Call(CallExpr { func_name, target: None, args }) if func_name == "_[_]" => {
                    let [operand, index] = args.as_slice() else { return None };
                    steps.push(match &index.expr {
                        Expr::Literal(LiteralValue::String(key)) => Step::Key(key.inner().to_owned()),
                        Expr::Literal(LiteralValue::Int(index)) => Step::Index(*index.inner()),
                        _ => {
                            computed.push(index);
                            Step::Computed
                        }
                    });
                    at = operand;
                }
                _ => return None,
            }
        };
        steps.reverse();
        Some(Chain { root, root_id, steps, computed, is_test })
    }

    fn is_bound(&self, name: &str) -> bool {
        name.starts_with(['@', '#']) || self.bound.iter().any(|bound| bound == name)
    }

    fn visit(&mut self, expr: &'a IdedExpr) {
        if let Some(chain) = self.path(expr) {
            for index in &chain.computed {
                self.visit(index);
            }
            if !self.is_bound(chain.root) {
                self.reference(chain);
            }
            return;
        }
        match &expr.expr {
            Expr::Call(call) => self.call(expr.id, call),
            Expr::Comprehension(comprehension) => self.comprehension(expr.id, comprehension),
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.visit(&entry.key);
                        self.visit(&entry.value);
                    }
                }
            }
            Expr::Select(select) => self.visit(&select.operand),
            Expr::Struct(_) | Expr::Unspecified => {
                let span = self.word_at(self.start(expr.id));
                self.errors.push(ExpressionError::Unsupported { span, what: "a message" });
            }
            Expr::Literal(LiteralValue::Bytes(_)) | Expr::Literal(_) | Expr::Ident(_) => {}
        }
    }

    fn comprehension(&mut self, id: u64, comprehension: &'a ComprehensionExpr) {
        self.visit(&comprehension.iter_range);
        self.visit(&comprehension.accu_init);
        self.loops += 1;
        if self.loops > MAX_LOOPS {
            let span = self.called(id);
            self.errors.push(ExpressionError::TooLarge { span, limit: "more than 4 loops stand inside each other" });
        } else {
            let before = self.bound.len();
            self.bound.push(comprehension.iter_var.clone());
            self.bound.extend(comprehension.iter_var2.clone());
            self.bound.push(comprehension.accu_var.clone());
            self.visit(&comprehension.loop_cond);
            self.visit(&comprehension.loop_step);
            self.visit(&comprehension.result);
            self.bound.truncate(before);
        }
        self.loops -= 1;
    }

    fn call(&mut self, id: u64, call: &'a CallExpr) {
        let namespace = call.target.as_deref().and_then(|target| match &target.expr {
            Expr::Ident(name) if NAMESPACES.contains(&name.as_str()) => Some(name),
            _ => None,
        });
        let name =
            namespace.map_or_else(|| call.func_name.clone(), |namespace| format!("{namespace}.{}", call.func_name));
        let bare = call.func_name.as_str();
        if bare.starts_with("_?.") || bare.starts_with("_[?") {
            let span = self.word_at(self.start(id));
            self.errors.push(ExpressionError::Unsupported { span, what: "optional syntax (`?.`)" });
        } else if bare.starts_with(|c: char| c.is_alphabetic())
            && !bare.contains('@')
            && !FUNCTIONS.contains(&name.as_str())
        {
            let span = self.called(id);
            self.errors.push(ExpressionError::UnknownFunction { span, nearest: nearest(&name), name });
        }
        if let (None, Some(target)) = (namespace, &call.target) {
            self.visit(target);
        }
        if bare == "_-_" && self.is_dash(call) {
            return;
        }
        call.args.iter().for_each(|argument| self.visit(argument));
    }

    /// `resource_group.my-rg.name` is a subtraction to CEL: say so before `rg` is taken for a type.
    fn is_dash(&mut self, call: &'a CallExpr) -> bool {
        let [left, right] = call.args.as_slice() else { return false };
        let mut leftmost = right;
        while let Expr::Call(CallExpr { func_name, target: None, args }) = &leftmost.expr
            && func_name.starts_with('_')
            && func_name != "_[_]"
            && let Some(first) = args.first()
        {
            leftmost = first;
        }
        let (Some(left_chain), Some(right_chain)) = (self.path(rightmost(left)), self.path(leftmost)) else {
            return false;
        };
        let at = self.start(right_chain.root_id);
        let tight = self.source.get(..at).is_some_and(|before| {
            before.strip_suffix('-').is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        let is_root = matches!(right_chain.root, "vars" | "env" | "each") || self.is_bound(right_chain.root);
        let is_dash = tight && !is_root && !self.is_bound(left_chain.root);
        if is_dash {
            let end = self.word_at(at).end;
            let before = self.source.get(..at.saturating_sub(1)).unwrap_or_default();
            let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |found| found + 1);
            let text = self.source.get(start..end).unwrap_or_default().to_owned();
            self.errors.push(ExpressionError::Dash { span: start..end, text });
        }
        is_dash
    }

    fn reference(&mut self, chain: Chain<'a>) {
        let start = self.start(chain.root_id);
        let span = self.chain_span(start, &chain);
        let used_as = if chain.is_test { Use::Test } else { Use::Read };
        let mut steps = chain.steps;
        let first = steps.first().cloned();
        let (root, taken) = match (chain.root, first) {
            ("vars", Some(Step::Field(name) | Step::Key(name))) => (Root::Variable(name), 1),
            ("env", Some(Step::Field(name))) if name == "name" && steps.len() == 1 => (Root::EnvironmentName, 1),
            ("each", Some(Step::Field(name))) if name == "key" && steps.len() == 1 => (Root::EachKey, 1),
            ("each", Some(Step::Field(name))) if name == "value" => (Root::EachValue, 1),
            (type_name, Some(Step::Field(name))) if !matches!(type_name, "vars" | "env" | "each") => {
                match ResourceAddress::new(type_name, &name) {
                    Ok(address) => (Root::Resource(address), 1),
                    Err(_) => return self.unknown(chain.root, span),
                }
            }
            (name, None) if TYPES.contains(&name) => return,
            _ => return self.unknown(chain.root, span),
        };
        steps.drain(..taken);
        if let Some(end) = steps.iter().position(|step| *step == Step::Computed) {
            steps.truncate(end + 1);
        }
        self.references.push(Reference { root, path: steps, used_as, span });
    }

    /// The bytes from the root to the last step that is written out.
    fn chain_span(&self, start: usize, chain: &Chain<'_>) -> Range<usize> {
        let mut end = self.word_at(start).end;
        for step in &chain.steps {
            let rest = self.source.get(end..).unwrap_or_default();
            let next = match step {
                Step::Field(name) => {
                    let trimmed = rest.trim_start();
                    let dot = trimmed.strip_prefix('.').map(str::trim_start);
                    dot.and_then(|field| field.strip_prefix(name.as_str())).map(|after| rest.len() - after.len())
                }
                Step::Key(_) | Step::Index(_) => rest.starts_with('[').then(|| rest.find(']').map_or(0, |at| at + 1)),
                Step::Computed => None,
            };
            match next {
                Some(length) => end += length,
                None => break,
            }
        }
        start..end
    }

    fn unknown(&mut self, root: &str, span: Range<usize>) {
        let text = self.source.get(span.clone()).unwrap_or(root);
        let instead = match root {
            "vars" => "a variable is read as `vars.NAME`".to_owned(),
            "env" => "only `env.name` is there, the environment of `--env`; give anything else as a variable, which \
                      `KFPLAN_VAR_name` sets"
                .to_owned(),
            "each" => "under `for_each` there are `each.key` and `each.value`".to_owned(),
            "local" | "locals" | "var" | "variable" | "variables" => "variables are read as `vars.NAME`".to_owned(),
            _ if text == root => {
                format!("write `vars.{root}` for a variable, `'{root}'` for text, `TYPE.NAME` for a resource")
            }
            _ => "the roots are `vars`, `env`, `each`, and `TYPE.NAME` with names of `a`-`z`, `0`-`9`, and `_`"
                .to_owned(),
        };
        self.errors.push(ExpressionError::UnknownName { span, name: shortened(text), instead });
    }
}

fn rightmost(mut expr: &IdedExpr) -> &IdedExpr {
    while let Expr::Call(CallExpr { func_name, target: None, args }) = &expr.expr
        && func_name.starts_with('_')
        && func_name != "_[_]"
        && let Some(last) = args.last()
    {
        expr = last;
    }
    expr
}

/// The tree with [`ORDERED`] around what each comprehension goes through, so that maps
/// are gone through in the order of their keys, and [`BOUNDED`] around what makes values larger.
fn made_ready(expr: &IdedExpr) -> IdedExpr {
    let again = |expr: &IdedExpr| made_ready(expr);
    let boxed = |expr: &IdedExpr| Box::new(made_ready(expr));
    let changed = match &expr.expr {
        Expr::Call(call) => {
            let call = CallExpr {
                func_name: call.func_name.clone(),
                target: call.target.as_deref().map(boxed),
                args: call.args.iter().map(again).collect(),
            };
            if matches!(call.func_name.as_str(), "replace" | "join" | "format" | "range") {
                let inner = IdedExpr { id: expr.id, expr: Expr::Call(call) };
                around(BOUNDED, inner)
            } else {
                Expr::Call(call)
            }
        }
        Expr::Comprehension(loops) => {
            let range = again(&loops.iter_range);
            Expr::Comprehension(Box::new(ComprehensionExpr {
                iter_range: IdedExpr { id: range.id, expr: around(ORDERED, range) },
                iter_var: loops.iter_var.clone(),
                iter_var2: loops.iter_var2.clone(),
                accu_var: loops.accu_var.clone(),
                accu_init: again(&loops.accu_init),
                loop_cond: again(&loops.loop_cond),
                loop_step: again(&loops.loop_step),
                result: again(&loops.result),
            }))
        }
        Expr::Select(select) => {
            Expr::Select(SelectExpr { operand: boxed(&select.operand), field: select.field.clone(), test: select.test })
        }
        Expr::List(list) => {
            let mut list = list.clone();
            list.elements = list.elements.iter().map(again).collect();
            Expr::List(list)
        }
        Expr::Map(map) => {
            let mut map = map.clone();
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    entry.key = made_ready(&entry.key);
                    entry.value = made_ready(&entry.value);
                }
            }
            Expr::Map(map)
        }
        other => other.clone(),
    };
    IdedExpr { id: expr.id, expr: changed }
}

fn around(function: &str, inner: IdedExpr) -> Expr {
    Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args: vec![inner] })
}
