//! Writes the few protobuf messages that clients will not take as JSON.

/// A message under way.
#[derive(Debug, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).unwrap_or(0));
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// The message with a string.
    pub(crate) fn text(mut self, field: u64, text: &str) -> Message {
        self.bytes(field, text.as_bytes());
        self
    }

    /// The message with another inside.
    pub(crate) fn message(mut self, field: u64, inner: Message) -> Message {
        self.bytes(field, &inner.0);
        self
    }

    /// The message as it is sent.
    pub(crate) fn sent(self) -> Vec<u8> {
        self.0
    }
}
