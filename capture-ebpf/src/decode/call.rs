//! A record of a system call, taken apart.

use tracehound_capture_layout::record::{File, Part, Plain, Socket};
use tracehound_capture_layout::settings::{MAX_OPS, RET, op};

use super::fill::{word32, word64};

/// One system call.
pub(crate) struct Call<'a> {
    /// Result; -errno if it failed.
    pub(crate) ret: i64,
    /// Arguments; those that were not recorded are 0.
    pub(crate) args: [u64; 6],
    /// True if times and offsets that it was passed in memory have 32 bits.
    pub(crate) has_words_32: bool,
    parts: [Option<Fetched<'a>>; MAX_OPS],
}

/// What the program fetched for an argument.
#[derive(Clone, Copy)]
pub(crate) struct Fetched<'a> {
    op: u8,
    arg: u8,
    /// Bytes.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Call<'a> {
    /// Takes the body of a record apart and hands on its call; of one that sent several messages one for each, whose result
    /// is what was sent of it. `None` if the body is not one.
    pub(crate) fn read_each(mut body: &'a [u8], has_words_32: bool, mut each: impl FnMut(&Call<'a>)) -> Option<()> {
        let syscall = tracehound_capture_layout::Syscall::take(&mut body)?;
        let mut call = Call { ret: syscall.ret, args: [0; 6], has_words_32, parts: [None; MAX_OPS] };
        for i in 0..syscall.n_args as usize {
            *call.args.get_mut(i)? = u64::take(&mut body)?;
        }
        // Parts in front of the first message are of all.
        let (mut n, mut n_common) = (0, None);
        for _ in 0..syscall.n_parts {
            let part = Part::take(&mut body)?;
            let len = usize::from(part.len);
            let bytes = body.get(..len)?;
            body = body.get(len.next_multiple_of(8)..)?;
            if part.op == op::MESSAGE {
                match n_common {
                    None => n_common = Some(n),
                    Some(_) => each(&call),
                }
                n = n_common.unwrap_or(n);
                call.parts.get_mut(n..)?.fill(None);
                if syscall.ret >= 0 {
                    call.ret = part.full_len.into();
                }
                continue;
            }
            *call.parts.get_mut(n)? = Some(Fetched { op: part.op, arg: part.arg, bytes });
            n += 1;
        }
        each(&call);
        Some(())
    }

    /// True unless it failed.
    pub(crate) fn is_ok(&self) -> bool {
        self.ret >= 0
    }

    /// What an operation fetched for an argument.
    pub(crate) fn part(&self, op: u8, arg: u8) -> Option<&'a [u8]> {
        self.parts.iter().flatten().find(|part| (part.op, part.arg) == (op, arg)).map(|part| part.bytes)
    }

    /// What any of some operations fetched.
    pub(crate) fn any_part(&self, ops: &[u8]) -> Option<&'a [u8]> {
        self.parts.iter().flatten().find(|part| ops.contains(&part.op)).map(|part| part.bytes)
    }

    /// The file behind the descriptor that it returned, or was given.
    pub(crate) fn file(&self) -> Option<File> {
        File::take(&mut self.any_part(&[op::FILE, op::FILE_AT])?)
    }

    /// The socket behind a descriptor, with the paths of both ends.
    pub(crate) fn socket(&self, arg: u8) -> Option<(Socket, &'a [u8], &'a [u8])> {
        let mut bytes = self.part(op::SOCKET, arg).or_else(|| self.part(op::SOCKET_AT, arg))?;
        let socket = Socket::take(&mut bytes)?;
        let path = |at: usize, len: u16| bytes.get(at..at + usize::from(len).min(108)).unwrap_or(&[]);
        Some((socket, path(0, socket.local_path_len), path(108, socket.remote_path_len)))
    }

    /// A time or offset in memory that it was passed, at the place that it has in a process of 64 bits.
    pub(crate) fn word(&self, bytes: &[u8], at: usize) -> Option<u64> {
        if self.has_words_32 {
            word32(bytes, at / 2).map(|word| i64::from(word as i32) as u64)
        } else {
            word64(bytes, at)
        }
    }

    /// An argument, or the result.
    pub(crate) fn value(&self, arg: u8) -> u64 {
        if arg == RET { self.ret as u64 } else { self.args.get(usize::from(arg)).copied().unwrap_or(0) }
    }
}
