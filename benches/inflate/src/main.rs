//! How fast libraries inflate gzip files of one member: `cargo run --release --manifest-path benches/inflate/Cargo.toml
//! -- FILE.gz...`. Processor time of the thread, medians of nine rounds in which each takes its turn; no checksums.
//! Linux only.

use flate2::{Decompress, FlushDecompress, Status};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use zune_inflate::{DeflateDecoder, DeflateOptions};

const ROUNDS: usize = 9;

/// Inflates a stream into memory of the right length; gives how many bytes it was.
type Inflate = fn(&[u8], &mut [u8]) -> usize;

const LIBRARIES: [(&str, Inflate); 6] = [
    ("flate2 with zlib-rs, 256 KiB at a time", |packed, out| {
        let mut inflate = Decompress::new(false);
        let piece = &mut out[..256 << 10];
        while inflate.decompress(&packed[inflate.total_in() as usize..], piece, FlushDecompress::None).expect("sound")
            != Status::StreamEnd
        {}
        inflate.total_out() as usize
    }),
    ("fdeflate, 256 KiB at a time", |packed, out| {
        // It writes into memory that begins with its window.
        const WINDOW: usize = 32 << 10;
        const PIECE: usize = 256 << 10;
        let mut inflate = fdeflate::Decompressor::new();
        inflate.ignore_adler32();
        let window = &mut out[..WINDOW + PIECE + 1024];
        inflate.read(&[0x78, 0x01], window, 0, false).expect("a header");
        let (mut read, mut at, mut n_out) = (0, 0, 0);
        loop {
            let (n_read, n_written) = inflate.read(&packed[read..], window, at, false).expect("sound");
            (read, at, n_out) = (read + n_read, at + n_written, n_out + n_written);
            if inflate.is_done() || n_read == 0 && n_written == 0 {
                return n_out;
            }
            if at > PIECE {
                window.copy_within(at - WINDOW..at, 0);
                at = WINDOW;
            }
        }
    }),
    ("flate2 with zlib-rs, whole", |packed, out| {
        let mut inflate = Decompress::new(false);
        inflate.decompress(packed, out, FlushDecompress::Finish).expect("sound");
        inflate.total_out() as usize
    }),
    ("miniz_oxide, whole", |packed, out| {
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        decompress(&mut DecompressorOxide::new(), packed, out, 0, flags).2
    }),
    ("zune-inflate, whole, allocating", |packed, out| {
        let options = DeflateOptions::default().set_size_hint(out.len()).set_limit(out.len() + 1);
        DeflateDecoder::new_with_options(packed, options).decode_deflate().expect("sound").len()
    }),
    ("libdeflate (C), whole", |packed, out| {
        libdeflater::Decompressor::new().deflate_decompress(packed, out).expect("sound")
    }),
];

/// Seconds that the thread has run. (`/proc/thread-self/schedstat` tells them to the next tick only, 4 ms.)
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn main() {
    for file in std::env::args().skip(1) {
        let bytes = std::fs::read(&file).expect("a file");
        let name_len =
            if bytes[3] & 8 == 0 { 0 } else { bytes[10..].iter().position(|b| *b == 0).expect("an end") + 1 };
        let packed = &bytes[10 + name_len..bytes.len() - 8];
        let len = u32::from_le_bytes(*bytes.last_chunk().expect("a length")) as usize;
        let mut out = vec![1; len.max(256 << 10)];
        let mut seconds = [[0.0; ROUNDS]; LIBRARIES.len()];
        for round in 0..ROUNDS {
            for (library, (name, inflate)) in LIBRARIES.iter().enumerate() {
                let start = cpu();
                assert_eq!(inflate(packed, &mut out), len, "{name}");
                seconds[library][round] = cpu() - start;
            }
        }
        for ((name, _), mut seconds) in LIBRARIES.iter().zip(seconds) {
            seconds.sort_by(f64::total_cmp);
            println!("{file}: {name}: {:.0} MB/s", len as f64 / 1e6 / seconds[ROUNDS / 2]);
        }
    }
}
