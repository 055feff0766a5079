//! Which format a file is in, and a word for people when it is none.

use crate::input::Input;
use crate::reader::{Confidence, Format, OpenError, TraceReader};

/// Bytes of the start of a file that formats look at.
const HEAD_LEN: usize = 64 << 10;

/// Opens a trace of any known format: the one that is surest of the first bytes, the earlier one of
/// [`crate::FORMATS`] if two are equally sure.
pub fn open(input: Input) -> Result<Box<dyn TraceReader>, OpenError> {
    detect(input.bytes())?.open(input)
}

/// The format that is surest of these bytes (a whole file or its start).
pub fn detect(bytes: &[u8]) -> Result<&'static dyn Format, OpenError> {
    if bytes.is_empty() {
        return Err(OpenError::Empty);
    }
    let head = &bytes[..bytes.len().min(HEAD_LEN)];
    let mut best: Option<(Confidence, &'static dyn Format)> = None;
    for &format in crate::FORMATS {
        let confidence = format.detect(head);
        if confidence > best.map_or(Confidence::No, |(c, _)| c) {
            best = Some((confidence, format));
        }
    }
    best.map(|(_, format)| format).ok_or_else(|| OpenError::UnknownFormat {
        found: looks_like(head),
        known: crate::FORMATS.iter().map(|format| format.name()).collect::<Vec<_>>().join(", "),
    })
}

/// Signatures of files that people give by mistake, at offset 0.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"\x7fELF", "an ELF executable or library"),
    (b"MZ", "a Windows executable"),
    (b"\xd4\xc3\xb2\xa1", "a pcap packet capture"),
    (b"\xa1\xb2\xc3\xd4", "a pcap packet capture"),
    (b"\x4d\x3c\xb2\xa1", "a pcap packet capture"),
    (b"\xa1\xb2\x3c\x4d", "a pcap packet capture"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "a gzip file of something that is no trace"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"BZh", "a bzip2 file"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"PERFILE2", "a perf.data file"),
    (b"PAR1", "a Parquet table"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"#!", "a script"),
];

/// What the first bytes of a file look like, in a few words.
pub fn looks_like(head: &[u8]) -> String {
    if let Some((_, what)) = SIGNATURES.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*what).to_owned();
    }
    if head.get(257..262) == Some(b"ustar") {
        return "a tar archive".to_owned();
    }
    // A pcapng file and a `.scap` capture begin with the same block type; the byte-order magic is the same too.
    if head.starts_with(b"\x0a\x0d\x0d\x0a") {
        return "a pcapng file that is no system call capture".to_owned();
    }
    let start = &head[..head.len().min(1024)];
    if !start.is_empty() && start.iter().all(|&b| b >= 0x20 && b != 0x7f || matches!(b, b'\t' | b'\n' | b'\r')) {
        let first = start.trim_ascii_start().first();
        return match first {
            Some(b'{' | b'[') => "JSON text".to_owned(),
            Some(b'<') => "XML or HTML text".to_owned(),
            _ => "text".to_owned(),
        };
    }
    if head.iter().all(|&b| b == 0) {
        return "zero bytes only".to_owned();
    }
    let hex: Vec<String> = head.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("bytes {}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_files_are_named() {
        let cases: &[(&[u8], &str)] = &[
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
            (b"\x89PNG\r\n\x1a\n\0", "a PNG image"),
            (b"\x7fELF\x02\x01", "an ELF executable or library"),
            (b"\xd4\xc3\xb2\xa1\x02\0", "a pcap packet capture"),
            (b"%PDF-1.7", "a PDF document"),
            (b"{\"a\": 1}", "JSON text"),
            (b"hello\n", "text"),
            (b"\0\0\0\0", "zero bytes only"),
            (b"\x01\x02\x03", "bytes 01 02 03"),
        ];
        for (head, expected) in cases {
            assert_eq!(looks_like(head), *expected);
        }
    }

    #[test]
    fn an_empty_file_is_said_to_be_empty() {
        assert!(matches!(detect(b""), Err(OpenError::Empty)));
    }

    #[test]
    fn a_foreign_file_is_refused_with_what_it_looks_like() {
        let Err(OpenError::UnknownFormat { found, .. }) = detect(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01") else {
            panic!("a JPEG is not a trace");
        };
        assert_eq!(found, "a JPEG image");
    }
}
