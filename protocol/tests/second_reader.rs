//! A second reader of frames, which knows nothing but the tables of `PROTOCOL.md` and sections 2 to 4 of it, reads every
//! vector: so the document says enough to write one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../PROTOCOL.md");
const VECTORS: &str = include_str!("../vectors.json");

const SLOTS: usize = 64;
const LONGEST_NAME_WITH_A_SLOT: usize = 128;

struct Field {
    name: &'static str,
    /// As the table has it.
    kind: &'static str,
    /// Of a list.
    items_max: u64,
}

/// The tables of fields by heading: "6 Send", "Record".
fn tables() -> BTreeMap<&'static str, Vec<Field>> {
    let mut tables: BTreeMap<&str, Vec<Field>> = BTreeMap::new();
    let mut heading = "";
    for line in DOCUMENT.lines() {
        if let Some(new) = line.strip_prefix("### ") {
            heading = new;
            tables.insert(heading, Vec::new());
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let ([name, kind, meaning], Some(table)) = (&cells[..], tables.get_mut(heading))
            && let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'))
        {
            let most = meaning.split_once("at most ").map_or("", |(_, most)| most);
            let most: String =
                most.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
            let (kind, items_max) = match *kind {
                "list" => ("list of Extension", 16),
                kind => (kind, most.parse().unwrap_or(0)),
            };
            table.push(Field { name, kind, items_max });
        }
    }
    tables
}

#[derive(Default)]
struct Names {
    slots: Vec<Value>,
    next: usize,
}

impl Names {
    fn introduce(&mut self, name: &Value) {
        if name.as_str().or(name["user"].as_str()).is_some_and(|name| name.len() > LONGEST_NAME_WITH_A_SLOT) {
            return;
        }
        self.slots.resize(self.slots.len().max(self.next + 1), Value::Null);
        self.slots[self.next] = name.clone();
        self.next = (self.next + 1) % SLOTS;
    }

    fn slot(&self, reference: u64) -> Option<Value> {
        self.slots.get(usize::try_from(reference.checked_sub(8)?).ok()?).cloned()
    }
}

/// One direction of a link.
struct Reader<'a> {
    tables: &'a BTreeMap<&'static str, Vec<Field>>,
    bytes: &'a [u8],
    chats: Names,
    senders: Names,
    /// The chat of the frame or row that is being read.
    chat: Value,
    myself: Option<Value>,
    position: u64,
    time: u64,
    delivered: u64,
    /// Position of the last record of the page.
    record: u64,
    /// The last plain number, from which a difference counts.
    number: u64,
}

impl<'a> Reader<'a> {
    fn new(tables: &'a BTreeMap<&'static str, Vec<Field>>) -> Self {
        Self {
            tables,
            bytes: &[],
            chats: Names::default(),
            senders: Names::default(),
            chat: Value::Null,
            myself: None,
            position: 0,
            time: 0,
            delivered: 0,
            record: 0,
            number: 0,
        }
    }

    /// Name and body of a frame of this direction; nothing when it is malformed.
    fn frame(&mut self, direction: &str, bytes: &'a [u8]) -> Option<(String, Value)> {
        self.bytes = bytes;
        self.record = 0;
        let number = self.varint(64)?;
        let row = format!("| {number} | ");
        let known = DOCUMENT.lines().filter_map(|line| line.strip_prefix(&row)?.split_once(" | "));
        let Some((name, _)) = known.clone().find(|(_, rest)| rest.starts_with(direction)) else {
            return Some(("Unknown".into(), json!({})));
        };
        let body = self.structure(&format!("{number} {name}"))?;
        match name {
            "Deliver" => self.delivered = self.position,
            "Covered" => self.delivered = body["to"].as_u64()?,
            "CatchUp" if body["is_last"] == true => self.delivered = body["to"].as_u64()?,
            "LoggedIn" => self.myself = Some(body["username"].clone()),
            _ => {}
        }
        self.bytes.is_empty().then(|| (name.to_owned(), body))
    }

    fn structure(&mut self, heading: &str) -> Option<Value> {
        let fields = self.tables.get(heading).unwrap_or_else(|| panic!("no table of {heading}"));
        let mut read = serde_json::Map::new();
        for field in fields {
            let value = self.value(field.kind, field.items_max)?;
            if (heading, field.name) == ("73 CatchUp", "to") {
                self.record = value.as_u64()?;
            }
            read.insert(field.name.to_owned(), value);
        }
        Some(Value::Object(read))
    }

    fn value(&mut self, kind: &str, items_max: u64) -> Option<Value> {
        if let Some(item) = kind.strip_prefix("list of ") {
            let count = self.varint(64)?;
            return (count <= items_max).then(|| (0..count).map(|_| self.value(item, 0)).collect::<Option<_>>())?;
        }
        if let Some(item) = kind.strip_prefix("option of ") {
            return if self.flag()? { self.value(item, 0) } else { Some(Value::Null) };
        }
        Some(match kind {
            "u8" => json!(self.take(1)?[0]),
            "u16" => json!(self.varint(16)?),
            "u32" => json!(self.varint(32)?),
            "u64" => {
                self.number = self.varint(64)?;
                json!(self.number)
            }
            "difference" => json!(self.number.wrapping_add(self.varint(64)?)),
            "bool" => json!(self.flag()?),
            "text" => json!(std::str::from_utf8(self.counted()?).ok()?),
            "bytes" => json!(data_encoding::HEXLOWER.encode(self.counted()?)),
            "16 bytes" => json!(data_encoding::HEXLOWER.encode(self.take(16)?)),
            "chat reference" => self.chat_reference()?,
            "user reference" => self.user_reference()?,
            "position step" => {
                self.position = self.step_from(self.position)?;
                json!(self.position)
            }
            "time step" => {
                self.time = self.step_from(self.time)?;
                json!(self.time)
            }
            "after step" => json!(self.step_from(self.delivered)?),
            "step" => {
                self.record = self.step_from(self.record)?;
                json!(self.record)
            }
            structure => self.structure(structure)?,
        })
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.varint(64)?;
        self.take(usize::try_from(length).ok()?)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.take(1)?[0] {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn varint(&mut self, bits: u32) -> Option<u64> {
        let mut value = 0u128;
        for index in 0..bits.div_ceil(7) {
            let byte = self.take(1)?[0];
            value |= u128::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return (value >> bits == 0).then_some(value as u64);
            }
        }
        None
    }

    fn step_from(&mut self, from: u64) -> Option<u64> {
        let zigzag = self.varint(64)?;
        let step = (zigzag >> 1) ^ (zigzag & 1).wrapping_neg();
        Some(from.wrapping_add(step))
    }

    fn chat_reference(&mut self) -> Option<Value> {
        let reference = self.varint(64)?;
        self.chat = match reference {
            0 => json!({ "user": self.value("text", 0)? }),
            1 => json!({ "group": self.value("u32", 0)? }),
            3 => json!("notices"),
            _ => self.chats.slot(reference)?,
        };
        if reference < 2 {
            self.chats.introduce(&self.chat);
        }
        Some(self.chat.clone())
    }

    fn user_reference(&mut self) -> Option<Value> {
        match self.varint(64)? {
            0 => {
                let name = self.value("text", 0)?;
                self.senders.introduce(&name);
                Some(name)
            }
            1 => Some(json!("")),
            2 => self.chat.get("user").cloned(),
            3 => self.myself.clone(),
            reference => self.senders.slot(reference),
        }
    }
}

fn entries(list: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(VECTORS).expect("vectors.json is JSON");
    file[list].as_array().expect("a list of vectors").clone()
}

fn bytes_of(entry: &Value) -> Vec<Vec<u8>> {
    let hex = |frame: &Value| frame["hex"].as_str().expect("a text").as_bytes().to_vec();
    let frames = entry["frames"].as_array().expect("a list of frames").iter();
    frames.map(|frame| data_encoding::HEXLOWER.decode(&hex(frame)).expect("hexadecimal digits")).collect()
}

#[test]
fn a_reader_made_from_the_document_reads_every_vector_as_the_file_says() {
    let tables = tables();
    for entry in [entries("vectors"), entries("accepted")].concat() {
        let (direction, bytes) = (entry["direction"].as_str().expect("a text"), bytes_of(&entry));
        let mut reader = Reader::new(&tables);
        for (index, bytes) in bytes.iter().enumerate() {
            let shown = &entry["frames"][index];
            let expected = (shown["name"].as_str().expect("a text").to_owned(), shown["body"].clone());
            assert_eq!(reader.frame(direction, bytes), Some(expected), "{} {index}", entry["name"]);
        }
    }
}

#[test]
fn a_reader_made_from_the_document_refuses_what_must_be_refused() {
    let tables = tables();
    for entry in entries("refused") {
        let (direction, bytes) = (entry["direction"].as_str().expect("a text"), bytes_of(&entry));
        let mut reader = Reader::new(&tables);
        let read: Vec<bool> = bytes.iter().map(|bytes| reader.frame(direction, bytes).is_some()).collect();
        let (last, before) = read.split_last().expect("at least one frame");
        assert!(!last && before.iter().all(|is_read| *is_read), "{}: {read:?}", entry["name"]);
    }
}
