//! From text to nodes.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::Value;

use super::error::YamlError;
use super::lenient::Repaired;
use super::node::{Document, Duplicate, Entry, Kind, Node, Position, Style};
use super::resolve::{self, Dialect, Resolved};

/// How deep maps and lists may be nested.
const DEPTH: usize = 128;

/// How many values aliases may add to the documents of one text.
const ALIASES: usize = 100_000;

/// Reads the documents of a text as JSON values. Empty documents are left out.
///
/// # Errors
///
/// [`YamlError`] at the first place that cannot be read.
pub fn parse_documents(text: &str, dialect: Dialect) -> Result<Vec<Value>, YamlError> {
    let documents = parse(text, dialect)?;
    Ok(documents.into_iter().map(Document::into_value).filter(|value| !value.is_null()).collect())
}

/// Reads the documents of a text, with the place of everything in them. An empty
/// document is null.
///
/// # Errors
///
/// [`YamlError`] at the first place that cannot be read.
pub fn parse(text: &str, dialect: Dialect) -> Result<Vec<Document>, YamlError> {
    let mut repaired = Repaired::new(text.strip_prefix('\u{feff}').unwrap_or(text));
    loop {
        let error = match read(&repaired, dialect) {
            Ok(documents) => return Ok(documents),
            Err(Stop::Wrong(error)) => return Err(error),
            Err(Stop::Syntax(error)) => error,
        };
        let mark = error.marker();
        let at = repaired.original_position(mark.index(), mark.line(), mark.col());
        if !repaired.mend(error.info(), mark.index()) {
            return Err(YamlError::Syntax { message: error.info().to_owned(), at });
        }
    }
}

/// Why reading stopped.
enum Stop {
    Syntax(ScanError),
    Wrong(YamlError),
}

fn read(repaired: &Repaired, dialect: Dialect) -> Result<Vec<Document>, Stop> {
    let mut parser = Parser::new_from_str(&repaired.text);
    let mut reader = Reader {
        dialect,
        repaired,
        documents: Vec::new(),
        duplicates: Vec::new(),
        frames: Vec::new(),
        anchors: BTreeMap::new(),
        copied: 0,
        open_end: (!repaired.text.ends_with('\n')).then(|| repaired.original(repaired.text.trim_end().chars().count())),
    };
    while let Some((event, span)) = parser.next_event().transpose().map_err(Stop::Syntax)? {
        reader.take(event, span).map_err(Stop::Wrong)?;
    }
    Ok(reader.documents)
}

/// A map or list whose end has not been seen.
struct Frame {
    content: Content,
    anchor: usize,
    at: Position,
    start: usize,
    is_flow: bool,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, index: KeyIndex, key: Option<Key> },
}

/// Finds a key among the entries; small maps are searched, large ones indexed.
#[derive(Default)]
struct KeyIndex(BTreeMap<String, usize>);

enum Key {
    Text { text: String, at: Position, start: usize },
    Merge { at: Position },
}

struct Reader<'a> {
    dialect: Dialect,
    repaired: &'a Repaired,
    documents: Vec<Document>,
    duplicates: Vec<Duplicate>,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Node>,
    copied: usize,
    /// Where the last line ends, in characters of the original text, if no break follows it.
    open_end: Option<usize>,
}

impl Reader<'_> {
    fn place(&self, span: &Span) -> (Position, Range<usize>) {
        let at = self.repaired.original_position(span.start.index(), span.start.line(), span.start.col());
        (at, self.repaired.original(span.start.index())..self.repaired.original(span.end.index()))
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let (at, range) = self.place(&span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, at, range),
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), at, range),
            Event::SequenceStart(anchor, _) => self.open(Content::List(Vec::new()), anchor, at, &range),
            Event::MappingStart(anchor, _) => {
                let content = Content::Map { entries: Vec::new(), index: KeyIndex::default(), key: None };
                self.open(content, anchor, at, &range)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&range),
        }
    }

    fn open(&mut self, content: Content, anchor: usize, at: Position, range: &Range<usize>) -> Result<(), YamlError> {
        if self.frames.len() >= DEPTH {
            return Err(YamlError::TooDeep { limit: DEPTH, at });
        }
        if self.expects_key() {
            let found = if matches!(content, Content::List(_)) { "a list" } else { "a map" };
            return Err(YamlError::Key { found, at });
        }
        // The scanner gives a flow collection's start the width of its bracket.
        let is_flow = range.end > range.start;
        self.frames.push(Frame { content, anchor, at, start: range.start, is_flow });
        Ok(())
    }

    fn close(&mut self, range: &Range<usize>) -> Result<(), YamlError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let (kind, inner) = match frame.content {
            Content::List(items) => {
                let end = items.last().map(|item| item.span.end);
                (Kind::List(items), end)
            }
            Content::Map { entries, .. } => {
                let end = entries.iter().filter(|entry| !entry.is_merged).map(|entry| entry.value.span.end).max();
                (Kind::Map(entries), end)
            }
        };
        let (style, end) =
            if frame.is_flow { (Style::Flow, range.end) } else { (Style::Block, inner.unwrap_or(range.end)) };
        let node = Node { kind, at: frame.at, span: frame.start..end, style };
        self.put(node, frame.anchor)
    }

    fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { content: Content::Map { key: None, .. }, .. }))
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Position,
        span: Range<usize>,
    ) -> Result<(), YamlError> {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        // Where the file ends without a line break, so does the text.
        let is_open = is_block && self.open_end.is_some_and(|end| span.end >= end);
        let text = if is_open { text.strip_suffix('\n').unwrap_or(text) } else { text };
        let resolved = self.resolve(text, style, tag, at)?;
        if self.expects_key() {
            return self.key(text, resolved, anchor, at, span);
        }
        let kind = match resolved {
            Resolved::Value(kind) => kind,
            Resolved::Merge => Kind::Text(text.to_owned()),
            Resolved::NotANumber => return Err(YamlError::Number { text: text.to_owned(), at }),
        };
        let style = match style {
            ScalarStyle::Literal => Style::Block,
            ScalarStyle::Folded => Style::Folded,
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Flow,
        };
        self.put(Node { kind, at, span, style }, anchor)
    }

    fn resolve(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Position) -> Result<Resolved, YamlError> {
        let Some(tag) = tag else {
            return Ok(match style {
                ScalarStyle::Plain => resolve::plain(text, self.dialect),
                _ => Resolved::Value(Kind::Text(text.to_owned())),
            });
        };
        let wrong = || YamlError::Tag { tag: format!("!!{}", tag.suffix), text: text.to_owned(), at };
        if !tag.is_yaml_core_schema() {
            return Ok(Resolved::Value(Kind::Text(text.to_owned())));
        }
        let kind = match tag.suffix.as_str() {
            "null" if resolve::is_null(text) => Kind::Null,
            "bool" => Kind::Bool(resolve::bool_of(text, self.dialect).ok_or_else(wrong)?),
            "int" => Kind::Number(resolve::integer(text).ok_or_else(wrong)?),
            "float" => Kind::Number(resolve::integer(text).or_else(|| resolve::float(text)).ok_or_else(wrong)?),
            "binary" => {
                let dense: String = text.split_ascii_whitespace().collect();
                let bytes = STANDARD.decode(dense).map_err(|_| wrong())?;
                Kind::Text(String::from_utf8(bytes).map_err(|_| wrong())?)
            }
            "null" => return Err(wrong()),
            "merge" => return Ok(Resolved::Merge),
            _ => Kind::Text(text.to_owned()),
        };
        Ok(Resolved::Value(kind))
    }

    fn key(
        &mut self,
        text: &str,
        resolved: Resolved,
        anchor: usize,
        at: Position,
        span: Range<usize>,
    ) -> Result<(), YamlError> {
        let key = match resolved {
            Resolved::Merge => Key::Merge { at },
            Resolved::NotANumber => Key::Text { text: text.to_owned(), at, start: span.start },
            Resolved::Value(kind) => {
                if anchor > 0 {
                    let node = Node { kind: kind.clone(), at, span: span.clone(), style: Style::Flow };
                    self.anchors.insert(anchor, node);
                }
                Key::Text { text: self.key_text(text, kind, at)?, at, start: span.start }
            }
        };
        if let Some(Frame { content: Content::Map { key: slot, .. }, .. }) = self.frames.last_mut() {
            *slot = Some(key);
        }
        Ok(())
    }

    /// What a scalar is as a key: kustomize 5 keeps its text, the older way is by value.
    fn key_text(&self, text: &str, kind: Kind, at: Position) -> Result<String, YamlError> {
        match (self.dialect, kind) {
            (_, Kind::Text(text)) => Ok(text),
            (_, Kind::Null) => Err(YamlError::Key { found: "null", at }),
            (_, Kind::List(_)) => Err(YamlError::Key { found: "a list", at }),
            (_, Kind::Map(_)) => Err(YamlError::Key { found: "a map", at }),
            (Dialect::Kustomize3, Kind::Bool(value)) => Ok(value.to_string()),
            (Dialect::Kustomize3, Kind::Number(number)) => Ok(resolve::number_key(&number)),
            (Dialect::Kustomize5, Kind::Bool(_) | Kind::Number(_)) => Ok(text.to_owned()),
        }
    }

    fn alias(&mut self, anchor: usize, at: Position, span: Range<usize>) -> Result<(), YamlError> {
        let Some(node) = self.anchors.get(&anchor) else { return Err(YamlError::UnknownAnchor { at }) };
        self.copied += size(node);
        if self.copied > ALIASES {
            return Err(YamlError::TooManyAliases { limit: ALIASES, at });
        }
        let (levels, kind) = (depth(node), node.kind.clone());
        if self.frames.len() + levels > DEPTH {
            return Err(YamlError::TooDeep { limit: DEPTH, at });
        }
        if self.expects_key() {
            let written = match &kind {
                Kind::Bool(value) => value.to_string(),
                Kind::Number(number) => number.to_string(),
                _ => String::new(),
            };
            let text = self.key_text(&written, kind, at)?;
            if let Some(Frame { content: Content::Map { key, .. }, .. }) = self.frames.last_mut() {
                *key = Some(Key::Text { text, at, start: span.start });
            }
            return Ok(());
        }
        self.put(Node { kind, at, span, style: Style::Alias }, 0)
    }

    /// Hands a finished value to whatever it belongs to.
    fn put(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(frame) = self.frames.last_mut() else {
            let duplicates = std::mem::take(&mut self.duplicates);
            self.documents.push(Document { root: node, duplicates });
            return Ok(());
        };
        let (entries, index, key) = match &mut frame.content {
            Content::List(items) => {
                items.push(node);
                return Ok(());
            }
            Content::Map { entries, index, key } => (entries, index, key.take()),
        };
        match key {
            // A value without a key cannot come from the parser.
            None => Ok(()),
            Some(Key::Merge { at }) => merge(entries, index, node, at, self.dialect),
            Some(Key::Text { text, at, start }) => {
                let entry = Entry { key: text, at, value: node, start, is_merged: false };
                if let Some(earlier) = index.set(entries, entry) {
                    let key = earlier.key;
                    if self.dialect == Dialect::Kustomize5 {
                        return Err(YamlError::DuplicateKey { key, at, first: earlier.at });
                    }
                    self.duplicates.push(Duplicate { key, first: earlier.at, at });
                }
                Ok(())
            }
        }
    }
}

impl KeyIndex {
    /// From this size on a map is worth an index.
    const SMALL: usize = 16;

    fn find(&mut self, entries: &[Entry], key: &str) -> Option<usize> {
        if entries.len() < Self::SMALL {
            return entries.iter().position(|entry| entry.key == key);
        }
        if self.0.len() < entries.len() {
            let known = self.0.len();
            let rest = entries.iter().enumerate().skip(known);
            self.0.extend(rest.map(|(place, entry)| (entry.key.clone(), place)));
        }
        self.0.get(key).copied()
    }

    /// Adds an entry, or puts it in the place of one with its key, which is given back
    /// unless it came by a merge.
    fn set(&mut self, entries: &mut Vec<Entry>, entry: Entry) -> Option<Entry> {
        match self.find(entries, &entry.key).and_then(|place| entries.get_mut(place)) {
            None => {
                entries.push(entry);
                None
            }
            Some(slot) => {
                let earlier = std::mem::replace(slot, entry);
                (!earlier.is_merged).then_some(earlier)
            }
        }
    }
}

/// Takes over the entries of the map (or maps, of which the first wins) behind `<<`.
///
/// The older readers go through a map in its order, so that a merge key overwrites
/// what stands above it; kustomize 5 never lets it overwrite.
fn merge(
    entries: &mut Vec<Entry>,
    index: &mut KeyIndex,
    node: Node,
    at: Position,
    dialect: Dialect,
) -> Result<(), YamlError> {
    let maps = match node.kind {
        Kind::Map(entries) => vec![entries],
        Kind::List(items) => items
            .into_iter()
            .rev()
            .map(|item| match item.kind {
                Kind::Map(entries) => Ok(entries),
                _ => Err(YamlError::Merge { at }),
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(YamlError::Merge { at }),
    };
    for entry in maps.into_iter().flatten() {
        let place = index.find(entries, &entry.key);
        let is_kept = match place.and_then(|place| entries.get(place)) {
            None => false,
            Some(there) => dialect == Dialect::Kustomize5 && !there.is_merged,
        };
        if !is_kept {
            index.set(entries, Entry { is_merged: true, ..entry });
        }
    }
    Ok(())
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Map(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => 0,
    }
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or_default(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => 0,
    }
}
