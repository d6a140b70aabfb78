//! Frames: how bytes are written so that a reader can tell whether they are whole.
//!
//! ```text
//! SEQUENCE LENGTH CHECK HASH PAYLOAD\n
//! ```
//!
//! Sequence (16 hexadecimal digits), length of the payload (8), a check of these two (8), and a hash
//! of all (32). The length has a check of its own, so that a damaged one does not swallow what
//! follows. In a journal one more `\n` follows once the frame is durable: a damaged frame that was
//! acknowledged can so be told from one that was cut short before anybody heard of it.

use sha2::{Digest as _, Sha256};

/// How long everything before the payload is.
pub(crate) const HEADER: usize = 16 + 1 + 8 + 1 + 8 + 1 + 32 + 1;

/// What was found at a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A whole frame.
    Frame {
        /// Its sequence.
        sequence: u64,
        /// What it holds.
        payload: &'a [u8],
        /// Where what follows begins.
        next: usize,
    },
    /// The bytes end here.
    End,
    /// The bytes end inside a frame.
    Cut,
    /// A frame that is not as it was written.
    Damaged {
        /// What does not fit.
        reason: &'static str,
    },
}

/// One frame. `salt` is what the file is, so that a frame of another file never fits.
pub(crate) fn frame(salt: &str, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a batch is shorter than 4 GiB");
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + 2);
    let head = format!("{sequence:016x} {length:08x} ");
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(&hash::<8>(salt, head.as_bytes(), b""));
    bytes.push(b' ');
    bytes.extend_from_slice(&hash::<32>(salt, head.as_bytes(), payload));
    bytes.push(b' ');
    bytes.extend_from_slice(payload);
    bytes.push(b'\n');
    bytes
}

/// What is at `at`.
pub(crate) fn find<'a>(salt: &str, bytes: &'a [u8], at: usize) -> Found<'a> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return Found::End;
    }
    let Some((header, after)) = rest.split_at_checked(HEADER) else {
        return Found::Cut;
    };
    let (head, checks) = header.split_at(26);
    if checks.get(..8) != Some(&hash::<8>(salt, head, b"")[..]) {
        return Found::Damaged { reason: "the head of a batch does not have the check that it states" };
    }
    let (Some(sequence), Some(length)) = (number(&head[..16]), number(&head[17..25])) else {
        return Found::Damaged { reason: "the head of a batch is not as it was written" };
    };
    let length = length as usize;
    let Some(payload) = after.get(..length).filter(|_| after.len() > length) else {
        return Found::Cut;
    };
    let next = at + HEADER + length + 1;
    // The line end is for whoever looks at the file; that it is there shows that all before it is.
    let whole = checks.get(9..41) == Some(&hash::<32>(salt, head, payload)[..])
        && checks.get(8) == Some(&b' ')
        && checks.get(41) == Some(&b' ');
    if whole {
        Found::Frame { sequence, payload, next }
    } else {
        Found::Damaged { reason: "a batch does not have the hash that it states" }
    }
}

/// Whether a whole frame with a sequence above `sequence` begins anywhere after `at`.
pub(crate) fn follows(salt: &str, bytes: &[u8], at: usize, sequence: u64) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').any(|(place, _)| {
        matches!(find(salt, bytes, at + place + 1), Found::Frame { sequence: found, .. } if found > sequence)
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The first `DIGITS` hexadecimal digits of the SHA-256 of all three.
fn hash<const DIGITS: usize>(salt: &str, head: &[u8], payload: &[u8]) -> [u8; DIGITS] {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let hash = Sha256::new().chain_update(salt).chain_update([0]).chain_update(head).chain_update(payload).finalize();
    std::array::from_fn(|place| {
        let byte = hash[place / 2];
        HEX[usize::from(if place % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}
