//! The world's chance: everything that Azure makes up, from one seed and a counter.
//!
//! Equal seeds and equal requests give equal answers, so a history can be replayed to the byte.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A counter over a seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Dice {
    seed: u64,
    /// How often it was drawn: all that has to be kept.
    pub(crate) drawn: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice { seed, drawn: 0 }
    }

    fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        digest(&[b"dice", &self.seed.to_le_bytes(), &self.drawn.to_le_bytes()])
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let bytes = self.draw();
        let number = bytes.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        number.checked_rem(limit).unwrap_or(0)
    }

    /// A version 4 GUID.
    pub(crate) fn guid(&mut self) -> String {
        guid_of(self.draw())
    }

    /// Lower-case hex digits, at most 64.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        hex(&self.draw()).chars().take(length).collect()
    }

    /// Lower-case letters and digits, at most 32.
    pub(crate) fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().unwrap_or(b'a');
        self.draw().iter().take(length).map(|byte| char::from(letter(byte))).collect()
    }

    /// The world's own secret for one purpose; drawing it moves nothing.
    pub(crate) fn secret(&self, purpose: &str) -> [u8; 32] {
        digest(&[b"secret", &self.seed.to_le_bytes(), purpose.as_bytes()])
    }
}

/// SHA-256 over parts, each preceded by its length.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// As many bytes as asked for, all following from `key`.
pub(crate) fn stretch(key: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0_u64..).flat_map(|block| digest(&[key, &block.to_le_bytes()]));
    blocks.take(length).collect()
}

/// Base64 for URLs.
pub(crate) fn url64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes in the form of a version 4 GUID.
pub(crate) fn guid_of(bytes: [u8; 32]) -> String {
    let text = hex(&bytes);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
