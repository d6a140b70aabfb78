//! Evaluates strings against what is known.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use cel::common::ast::{CallExpr, Expr, IdedExpr};
use cel::{Context, ExecutionError};
use kfplan_model::{Each, Late, ResourceAddress, Value};

use crate::bounds::{bounded, ordered};
use crate::cel_value::{from_cel, kind, reason, to_cel};
use crate::error::ExpressionError;
use crate::reference::{Reference, Root, Step, Use};
use crate::scope::{Known, Roots, WithoutEach};
use crate::syntax::{BOUNDED, ORDERED};
use crate::template::{ENVIRONMENT, Expression, Part, Template};

/// Evaluates a string of the stack file.
///
/// A string without `${…}` is itself; one that is a whole `${…}` keeps the type of
/// the value; otherwise the values become text. `${TYPE.NAME}` alone is a handle.
/// What reads something late is late: the template as written, with the resources
/// it waits for. What reads something sensitive is sensitive.
///
/// # Errors
///
/// All that is wrong with the string; see [`ExpressionError`].
pub fn evaluate(template: &str, roots: &dyn Roots) -> Result<Value, Vec<ExpressionError>> {
    let template = Template::parse(template)?;
    if let [Part::Expression(expression)] = template.parts() {
        return expression_value(&template, expression, roots).map_err(|error| vec![error]);
    }
    let mut made = Made { text: String::new(), marks: Marks::default() };
    let mut errors = Vec::new();
    for part in template.parts() {
        match part {
            Part::Text(text) => made.text.push_str(text),
            Part::Expression(expression) => {
                let value = expression_value(&template, expression, roots);
                if let Err(error) = value.and_then(|value| made.push(&value, expression.span.clone())) {
                    errors.push(error);
                }
            }
        }
    }
    if errors.is_empty() { Ok(made.marks.finish(&template, Value::String(made.text.into()))) } else { Err(errors) }
}

/// Evaluates every late leaf of a value again, now that more may be known.
///
/// # Errors
///
/// All that is wrong with any of the leaves.
pub fn resolve(value: &Value, roots: &dyn Roots) -> Result<Value, Vec<ExpressionError>> {
    match value {
        Value::Late(late) => evaluate(&late.template, roots),
        Value::Sensitive(inner) => Ok(resolve(inner, roots)?.into_sensitive()),
        Value::List(list) => list.iter().map(|value| resolve(value, roots)).collect::<Result<_, _>>().map(Value::List),
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| Ok((key.clone(), resolve(value, roots)?)))
            .collect::<Result<_, _>>()
            .map(Value::Map),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Handle(_) => {
            Ok(value.clone())
        }
    }
}

/// What was read on the way to a value.
#[derive(Default)]
struct Marks {
    is_late: bool,
    is_sensitive: bool,
    waits: BTreeSet<ResourceAddress>,
}

impl Marks {
    fn read(&mut self, value: &Value) {
        self.is_sensitive |= value.is_sensitive();
        value.visit_late(&mut |late| {
            self.is_late = true;
            self.waits.extend(late.waits.iter().cloned());
        });
    }

    fn finish(self, template: &Template, value: Value) -> Value {
        let value = if self.is_late {
            Value::Late(Late { template: template.text().clone(), waits: self.waits })
        } else {
            value
        };
        if self.is_sensitive { value.into_sensitive() } else { value }
    }
}

/// Text in the making.
struct Made {
    text: String,
    marks: Marks,
}

impl Made {
    fn push(&mut self, value: &Value, span: Range<usize>) -> Result<(), ExpressionError> {
        self.marks.read(value);
        match value.reveal() {
            Value::String(text) => self.text.push_str(text),
            Value::Int(number) => self.text.push_str(&number.to_string()),
            Value::Float(number) => self.text.push_str(&format!("{number:?}")),
            Value::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Value::Late(_) => {}
            Value::Handle(address) => return Err(ExpressionError::HandleAsValue { span, address: address.clone() }),
            Value::Null | Value::List(_) | Value::Map(_) | Value::Sensitive(_) => {
                return Err(ExpressionError::NotText { span, kind: kind(value) });
            }
        }
        Ok(())
    }
}

fn expression_value(template: &Template, expression: &Expression, roots: &dyn Roots) -> Result<Value, ExpressionError> {
    let evaluation = Evaluation { template, expression, roots };
    evaluation.value(&expression.checked.tree)
}

struct Evaluation<'a> {
    template: &'a Template,
    expression: &'a Expression,
    roots: &'a dyn Roots,
}

/// What a path leads to.
enum Reached<'a> {
    /// A value.
    Value(Cow<'a, Value>),
    /// A resource itself.
    Resource(ResourceAddress),
}

impl<'a> Evaluation<'a> {
    fn value(&self, tree: &IdedExpr) -> Result<Value, ExpressionError> {
        let has_handles = self.expression.references.iter().any(|reference| reference.used_as == Use::Handle);
        if has_handles {
            return self.choice(tree);
        }
        if let (true, [reference]) = (self.expression.checked.is_plain, self.expression.references.as_slice()) {
            return match self.reach(reference)? {
                Reached::Value(value) => Ok(value.into_owned()),
                Reached::Resource(address) => Ok(Value::Handle(address)),
            };
        }
        let marks = self.marks()?;
        if marks.is_late {
            return Ok(marks.finish(self.template, Value::Null));
        }
        let value = self.execute(tree, marks.is_sensitive)?;
        Ok(marks.finish(self.template, value))
    }

    /// `${TYPE.NAME}`, `${TYPE.NAME[key]}`, or a choice between such.
    fn choice(&self, tree: &IdedExpr) -> Result<Value, ExpressionError> {
        let marks = self.marks()?;
        if marks.is_late {
            return Ok(marks.finish(self.template, Value::Null));
        }
        let mut at = tree;
        while let Expr::Call(CallExpr { func_name, target: None, args }) = &at.expr
            && let ("_?_:_", [condition, this, that]) = (func_name.as_str(), args.as_slice())
        {
            at = match self.execute(condition, marks.is_sensitive)? {
                Value::Bool(true) => this,
                Value::Bool(false) => that,
                other => return Err(self.failed(format!("`?:` asks for a truth value and got a {}", kind(&other)))),
            };
        }
        match self.handle(at, marks.is_sensitive)? {
            Some(address) => Ok(Value::Handle(address)),
            None => Ok(marks.finish(self.template, self.execute(at, true)?)),
        }
    }

    /// The resource that `TYPE.NAME` or `TYPE.NAME[key]` is, if that is what stands there.
    fn handle(&self, tree: &IdedExpr, sensitive: bool) -> Result<Option<ResourceAddress>, ExpressionError> {
        let (base, index) = match &tree.expr {
            Expr::Call(CallExpr { func_name, target: None, args }) if func_name == "_[_]" => match args.as_slice() {
                [base, index] => (base, Some(index)),
                _ => return Ok(None),
            },
            _ => (tree, None),
        };
        let Expr::Select(select) = &base.expr else { return Ok(None) };
        let Expr::Ident(type_name) = &select.operand.expr else { return Ok(None) };
        let Ok(address) = ResourceAddress::new(type_name, &select.field) else { return Ok(None) };
        let known = self.roots.resource(&address);
        let address = match (known, index) {
            (None, _) => return Err(self.absent(address)),
            (Some(_), None) => address,
            (Some(Known::Single(_)), Some(_)) => return Ok(None),
            (Some(Known::Keyed(_)), Some(index)) => match self.execute(index, sensitive)? {
                Value::String(key) => address.with_key(&key),
                other => return Err(self.failed(format!("a key is text, and this is a {}", kind(&other)))),
            },
        };
        if address.key().is_some() && self.roots.resource(&address).is_none() {
            if sensitive {
                return Err(self.failed("a key is not there".to_owned()));
            }
            return Err(self.absent(address));
        }
        Ok(Some(address))
    }

    fn failed(&self, reason: String) -> ExpressionError {
        ExpressionError::Failed { span: self.expression.span.clone(), reason }
    }

    fn absent(&self, address: ResourceAddress) -> ExpressionError {
        let base = address.without_key();
        let reference = self.expression.references.iter().find(|reference| reference.resource() == Some(&base));
        let span = reference.map_or_else(|| self.expression.span.clone(), |reference| reference.span.clone());
        ExpressionError::Absent { span, address }
    }

    /// What the expression reads, all branches together. What is not there counts for
    /// nothing here: whether it is needed shows when the expression is evaluated.
    fn marks(&self) -> Result<Marks, ExpressionError> {
        let mut marks = Marks::default();
        for reference in &self.expression.references {
            if reference.used_as == Use::Handle && self.is_handle(reference) {
                continue;
            }
            if reference.used_as == Use::Test {
                self.read_test(reference, &mut marks);
                continue;
            }
            match self.reach(reference) {
                Ok(Reached::Value(value)) => marks.read(&value),
                Ok(Reached::Resource(address)) => self.read_all(&address, &mut marks),
                Err(error @ (ExpressionError::UnknownVariable { .. } | ExpressionError::NoEach { .. })) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        Ok(marks)
    }

    /// Whether something is there can be told as soon as what it is in is known.
    fn read_test(&self, reference: &Reference, marks: &mut Marks) {
        let mut around = reference.clone();
        if around.path.pop().is_none() {
            return;
        }
        if let Ok(Reached::Value(value)) = self.reach(&around)
            && matches!(value.reveal(), Value::Late(_))
        {
            marks.read(&value);
        }
    }

    /// Whether what may be a handle is one: `x.y["name"]` reads a field where `x.y` has no `for_each`.
    fn is_handle(&self, reference: &Reference) -> bool {
        let known = reference.resource().and_then(|address| self.roots.resource(address));
        reference.path.is_empty() || !matches!(known, Some(Known::Single(_)))
    }

    fn read_all(&self, address: &ResourceAddress, marks: &mut Marks) {
        match self.roots.resource(address) {
            Some(Known::Single(value)) => marks.read(value),
            Some(Known::Keyed(keys)) => keys.iter().for_each(|key| self.read_all(&address.with_key(key), marks)),
            None => {}
        }
    }

    /// Follows a reference as far as its steps are written out.
    fn reach(&self, reference: &Reference) -> Result<Reached<'a>, ExpressionError> {
        let span = || reference.span.clone();
        let (value, steps): (Cow<'a, Value>, &[Step]) = match &reference.root {
            Root::Variable(name) => {
                let value = self.roots.variable(name);
                let unknown = || ExpressionError::UnknownVariable { span: span(), name: name.clone() };
                (Cow::Borrowed(value.ok_or_else(unknown)?), &reference.path)
            }
            Root::EnvironmentName => (Cow::Owned(Value::from(self.roots.environment())), &[]),
            Root::EachKey => (Cow::Owned(Value::String(self.each(reference)?.key.clone())), &[]),
            Root::EachValue => (Cow::Borrowed(&self.each(reference)?.value), &reference.path),
            Root::Resource(address) => return self.reach_resource(reference, address),
        };
        let value = self.walk(reference, value, steps)?;
        // A value of `for_each` may hold strings that were late when it was made.
        if reference.root == Root::EachValue && !value.is_known() {
            let outer = WithoutEach(self.roots);
            return match resolve(&value, &outer) {
                Ok(value) => Ok(Reached::Value(Cow::Owned(value))),
                Err(errors) => Err(self.failed(errors.first().map_or_else(String::new, ToString::to_string))),
            };
        }
        Ok(Reached::Value(value))
    }

    fn each(&self, reference: &Reference) -> Result<&'a Each, ExpressionError> {
        self.roots.each().ok_or_else(|| ExpressionError::NoEach { span: reference.span.clone() })
    }

    fn reach_resource(&self, reference: &Reference, address: &ResourceAddress) -> Result<Reached<'a>, ExpressionError> {
        let absent = |address| ExpressionError::Absent { span: reference.span.clone(), address };
        match self.roots.resource(address) {
            None => Err(absent(address.clone())),
            Some(Known::Single(_)) if reference.path.is_empty() => Ok(Reached::Resource(address.clone())),
            Some(Known::Single(value)) => {
                Ok(Reached::Value(self.walk(reference, Cow::Borrowed(value), &reference.path)?))
            }
            Some(Known::Keyed(_)) => {
                let Some(key) = reference.key() else { return Ok(Reached::Resource(address.clone())) };
                let instance = address.with_key(key);
                let rest = reference.path.get(1..).unwrap_or_default();
                match self.roots.resource(&instance) {
                    Some(Known::Single(_)) if rest.is_empty() => Ok(Reached::Resource(instance)),
                    Some(Known::Single(value)) => {
                        Ok(Reached::Value(self.walk(reference, Cow::Borrowed(value), rest)?))
                    }
                    Some(Known::Keyed(_)) | None => Err(absent(instance)),
                }
            }
        }
    }

    /// Follows the steps inside a value, to the first that has to be evaluated.
    fn walk(
        &self,
        reference: &Reference,
        value: Cow<'a, Value>,
        steps: &[Step],
    ) -> Result<Cow<'a, Value>, ExpressionError> {
        let mut value = value;
        let mut inside = reference.root.to_string();
        for step in steps {
            let next = match (value.reveal(), step) {
                (_, Step::Computed) => break,
                // Inside of something late everything is late.
                (Value::Late(late), _) => {
                    let late = Value::Late(Late { template: self.template.text().clone(), waits: late.waits.clone() });
                    let sensitive = value.is_sensitive();
                    return Ok(Cow::Owned(if sensitive { late.into_sensitive() } else { late }));
                }
                (Value::Map(map), Step::Field(key) | Step::Key(key)) => map.get(key).cloned(),
                (Value::List(list), Step::Index(index)) => {
                    usize::try_from(*index).ok().and_then(|index| list.get(index).cloned())
                }
                _ => None,
            };
            let Some(next) = next else {
                let field = step.to_string().trim_start_matches('.').to_owned();
                return Err(ExpressionError::NoField { span: reference.span.clone(), inside, field });
            };
            inside.push_str(&step.to_string());
            value = Cow::Owned(next);
        }
        Ok(value)
    }

    /// Has CEL evaluate a tree in which nothing is late.
    fn execute(&self, tree: &IdedExpr, sensitive: bool) -> Result<Value, ExpressionError> {
        let mut context = Context::with_env(ENVIRONMENT.clone());
        for (name, value) in self.variables() {
            context.add_variable_from_value(name, to_cel(&value));
        }
        let rounds = Arc::new(AtomicUsize::new(0));
        let counted = move |value: cel::Value| ordered(value, &rounds);
        context.add_function(ORDERED, counted).expect("no overload has this name");
        context.add_function(BOUNDED, bounded).expect("no overload has this name");
        let value = cel::Value::resolve(tree, &context).map_err(|error| self.explain(&error, sensitive))?;
        from_cel(&value).map_err(|(kind, instead)| ExpressionError::NoValue {
            span: self.expression.span.clone(),
            kind,
            instead,
        })
    }

    /// The roots as maps, holding only what the expression refers to.
    fn variables(&self) -> BTreeMap<String, Value> {
        let mut variables: BTreeMap<String, Value> = BTreeMap::new();
        for reference in &self.expression.references {
            let (root, name, value) = match &reference.root {
                Root::Variable(name) => ("vars", name.as_str(), self.roots.variable(name).cloned()),
                Root::EnvironmentName => ("env", "name", Some(Value::from(self.roots.environment()))),
                Root::EachKey => ("each", "key", self.roots.each().map(|each| Value::String(each.key.clone()))),
                Root::EachValue => ("each", "value", self.roots.each().map(|each| self.each_value(each))),
                Root::Resource(address) => (address.type_name(), address.name(), self.resource(address)),
            };
            let entry = variables.entry(root.to_owned()).or_insert_with(|| Value::Map(BTreeMap::new()));
            if let (Value::Map(map), Some(value)) = (entry, value) {
                map.insert(name.to_owned(), value);
            }
        }
        variables
    }

    fn each_value(&self, each: &Each) -> Value {
        resolve(&each.value, &WithoutEach(self.roots)).unwrap_or_else(|_| each.value.clone())
    }

    fn resource(&self, address: &ResourceAddress) -> Option<Value> {
        match self.roots.resource(address)? {
            Known::Single(value) => Some(value.clone()),
            Known::Keyed(keys) => {
                let instance = |key: &Arc<str>| Some((key.to_string(), self.resource(&address.with_key(key))?));
                Some(Value::Map(keys.iter().filter_map(instance).collect()))
            }
        }
    }

    /// The most telling error: a reference that leads nowhere, or else what CEL says.
    fn explain(&self, error: &ExecutionError, sensitive: bool) -> ExpressionError {
        if matches!(error, ExecutionError::NoSuchKey(_) | ExecutionError::UndeclaredReference(_)) {
            let read = self.expression.references.iter().filter(|reference| reference.used_as == Use::Read);
            if let Some(Err(error)) = read.map(|reference| self.reach(reference)).find(Result::is_err) {
                return error;
            }
        }
        self.failed(reason(error, sensitive))
    }
}
