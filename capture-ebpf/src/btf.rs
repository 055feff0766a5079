//! The kernel's description of its own types (BTF): where members of structures are.
//!
//! Source: `Documentation/bpf/btf.rst` and `include/uapi/linux/btf.h` of Linux. Only what offsets need is read: names
//! of structures, their members (through anonymous structures and unions), values of enumerations.

use std::collections::HashMap;

/// `BTF_MAGIC`.
const MAGIC: u16 = 0xeb9f;

/// Kinds of types, `BTF_KIND_*`.
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const FWD: u32 = 7;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const VOLATILE: u32 = 9;
    pub(super) const CONST: u32 = 10;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC: u32 = 12;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const FLOAT: u32 = 16;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

/// Anonymous structures inside each other, and names for a type, that are followed.
const MAX_DEPTH: u32 = 32;

/// Why type information is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BtfError {
    #[error("it does not begin with the BTF signature")]
    Signature,
    #[error("it is cut at byte {0}")]
    Cut(usize),
    #[error("type {id} is of the unknown kind {kind}")]
    Kind { id: u32, kind: u32 },
}

/// Type information, indexed.
#[derive(Debug)]
pub(crate) struct Btf {
    bytes: Vec<u8>,
    /// Offset of each type, from type 1.
    types: Vec<u32>,
    strings: usize,
    /// Structures and unions by name.
    structs: HashMap<Vec<u8>, u32>,
    /// Enumerations by name.
    enums: HashMap<Vec<u8>, u32>,
    /// Types with a name of their own (typedefs) by name.
    typedefs: HashMap<Vec<u8>, u32>,
}

impl Btf {
    /// Indexes the bytes of `/sys/kernel/btf/vmlinux`.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Btf, BtfError> {
        if u16_at(&bytes, 0) != Some(MAGIC) {
            return Err(BtfError::Signature);
        }
        let field = |at: usize| u32_at(&bytes, at).map(|v| v as usize).ok_or(BtfError::Cut(at));
        let (header, types_at, types_len) = (field(4)?, field(8)?, field(12)?);
        let strings = header.saturating_add(field(16)?);
        let start = header.saturating_add(types_at);
        let end = start.saturating_add(types_len);
        if end > bytes.len() || strings > bytes.len() {
            return Err(BtfError::Cut(bytes.len()));
        }
        let mut btf = Btf {
            types: Vec::new(),
            strings,
            structs: HashMap::new(),
            enums: HashMap::new(),
            typedefs: HashMap::new(),
            bytes,
        };
        btf.index(start, end)?;
        Ok(btf)
    }

    fn index(&mut self, start: usize, end: usize) -> Result<(), BtfError> {
        let mut at = start;
        while at < end {
            let cut = || BtfError::Cut(at);
            self.types.push(u32::try_from(at).map_err(|_| cut())?);
            let id = self.types.len() as u32;
            let info = u32_at(&self.bytes, at + 4).ok_or_else(cut)?;
            let (n, kind) = (info as usize & 0xffff, info >> 24 & 0x1f);
            let extra = match kind {
                kind::INT | kind::VAR | kind::DECL_TAG => 4,
                kind::ARRAY => 12,
                kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * n,
                kind::ENUM | kind::FUNC_PROTO => 8 * n,
                kind::PTR | kind::FWD | kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT => 0,
                kind::FUNC | kind::FLOAT | kind::TYPE_TAG => 0,
                _ => return Err(BtfError::Kind { id, kind }),
            };
            let table = match kind {
                // A structure without members is only declared.
                kind::STRUCT | kind::UNION if n > 0 => Some(&mut self.structs),
                kind::ENUM | kind::ENUM64 => Some(&mut self.enums),
                kind::TYPEDEF => Some(&mut self.typedefs),
                _ => None,
            };
            if let Some(table) = table {
                let name = string_at(&self.bytes, self.strings, u32_at(&self.bytes, at).ok_or_else(cut)?);
                if !name.is_empty() {
                    table.entry(name.to_vec()).or_insert(id);
                }
            }
            at += 12 + extra;
        }
        if at > end { Err(BtfError::Cut(end)) } else { Ok(()) }
    }

    /// Offset in bytes of a member, given as `struct.member.member`; `#struct` is the size of a structure. With `|`
    /// between them, the first alternative that exists. `None` if there is none.
    pub(crate) fn offset(&self, path: &str) -> Option<u32> {
        path.split('|').find_map(|path| match path.strip_prefix('#') {
            Some(name) => self.word(*self.structs.get(name.as_bytes())?, 8),
            None => self.member_path(path),
        })
    }

    /// Value of a constant of an enumeration.
    pub(crate) fn enum_value(&self, name: &str, constant: &str) -> Option<u32> {
        let id = *self.enums.get(name.as_bytes())?;
        let (kind, n) = self.kind(id)?;
        let step = if kind == kind::ENUM { 8 } else { 12 };
        (0..n).find_map(|i| {
            let is_it = self.name(self.word(id, 12 + step * i)?) == constant.as_bytes();
            if is_it { self.word(id, 12 + step * i + 4) } else { None }
        })
    }

    /// Number of arguments of a tracepoint; `None` if there is no such tracepoint.
    pub(crate) fn tracepoint_args(&self, name: &str) -> Option<u32> {
        // typedef of a pointer to a function, whose first argument is private.
        let mut id = *self.typedefs.get(format!("btf_trace_{name}").as_bytes())?;
        for _ in 0..MAX_DEPTH {
            let (kind, n) = self.kind(id)?;
            match kind {
                kind::TYPEDEF | kind::PTR | kind::CONST => id = self.word(id, 8)?,
                kind::FUNC_PROTO => return u32::try_from(n).ok()?.checked_sub(1),
                _ => return None,
            }
        }
        None
    }

    /// Number of a structure among the types.
    pub(crate) fn structure(&self, name: &str) -> Option<u32> {
        self.structs.get(name.as_bytes()).copied()
    }

    /// Number of a function among the types.
    pub(crate) fn function(&self, name: &str) -> Option<u32> {
        // They are many, and few are asked for.
        (1..=self.types.len() as u32).find(|&id| {
            let name_at = self.kind(id).filter(|&(kind, _)| kind == kind::FUNC).and_then(|_| self.word(id, 0));
            name_at.is_some_and(|at| self.name(at) == name.as_bytes())
        })
    }

    fn member_path(&self, path: &str) -> Option<u32> {
        let mut names = path.split('.');
        let mut ty = *self.structs.get(names.next()?.as_bytes())?;
        let mut bits = 0u32;
        for name in names {
            let (offset, member) = self.member(self.resolve(ty)?, name.as_bytes(), 0)?;
            bits = bits.checked_add(offset)?;
            ty = member;
        }
        Some(bits / 8)
    }

    /// Offset in bits and type of a member.
    fn member(&self, id: u32, name: &[u8], depth: u32) -> Option<(u32, u32)> {
        let (kind, n) = self.kind(id)?;
        if !matches!(kind, kind::STRUCT | kind::UNION) || name.is_empty() || depth > MAX_DEPTH {
            return None;
        }
        // With the flag set the upper 8 bits of an offset are the width of a bit field.
        let has_widths = self.word(id, 4)? >> 31 != 0;
        for i in 0..n {
            let at = 12 + 12 * i;
            let (member_name, ty) = (self.name(self.word(id, at)?), self.word(id, at + 4)?);
            let offset = self.word(id, at + 8)? & if has_widths { 0xff_ffff } else { u32::MAX };
            if member_name == name {
                return Some((offset, ty));
            }
            if member_name.is_empty()
                && let Some((inner, ty)) = self.member(self.resolve(ty)?, name, depth + 1)
            {
                return Some((offset.checked_add(inner)?, ty));
            }
        }
        None
    }

    /// The type behind names and qualifiers.
    fn resolve(&self, mut id: u32) -> Option<u32> {
        for _ in 0..MAX_DEPTH {
            match self.kind(id)?.0 {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = self.word(id, 8)?;
                }
                _ => return Some(id),
            }
        }
        None
    }

    /// Kind of a type, and how many members it has.
    fn kind(&self, id: u32) -> Option<(u32, usize)> {
        let info = self.word(id, 4)?;
        Some((info >> 24 & 0x1f, info as usize & 0xffff))
    }

    fn word(&self, id: u32, at: usize) -> Option<u32> {
        let start = *self.types.get(id.checked_sub(1)? as usize)? as usize;
        u32_at(&self.bytes, start + at)
    }

    fn name(&self, offset: u32) -> &[u8] {
        string_at(&self.bytes, self.strings, offset)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_ne_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_ne_bytes(*b))
}

fn string_at(bytes: &[u8], strings: usize, offset: u32) -> &[u8] {
    let rest = strings.checked_add(offset as usize).and_then(|at| bytes.get(at..)).unwrap_or(&[]);
    &rest[..rest.iter().position(|&b| b == 0).unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Type information with one structure:
    /// `struct outer { int a; union { int b; struct { int c; int d; }; }; inner_t e; };`, where `inner_t` names
    /// `struct inner { int x; int y:4; }`, an enumeration, and a tracepoint of two arguments.
    fn sample() -> Vec<u8> {
        let mut strings = vec![0u8];
        let mut name = |text: &str| {
            let at = strings.len() as u32;
            strings.extend(text.as_bytes());
            strings.push(0);
            at
        };
        let info = |kind: u32, n: u32| kind << 24 | n;
        let mut types: Vec<u32> = Vec::new();
        // 1: int
        types.extend([name("int"), info(kind::INT, 0), 4, 32]);
        // 2: anonymous struct { c, d }
        types.extend([0, info(kind::STRUCT, 2), 8, name("c"), 1, 0, name("d"), 1, 32]);
        // 3: anonymous union { b; 2 }
        types.extend([0, info(kind::UNION, 2), 8, name("b"), 1, 0, 0, 2, 0]);
        // 4: struct inner { x, y:4 }
        types.extend([name("inner"), info(kind::STRUCT, 2) | 1 << 31, 8, name("x"), 1, 0, name("y"), 1, 4 << 24 | 32]);
        // 5: typedef inner_t
        types.extend([name("inner_t"), info(kind::TYPEDEF, 0), 4]);
        // 6: struct outer { a; 3; e: 5 }
        types.extend([name("outer"), info(kind::STRUCT, 3), 20, name("a"), 1, 0, 0, 3, 32, name("e"), 5, 96]);
        // 7: enum { first = 0, second = 7 }
        types.extend([name("numbers"), info(kind::ENUM, 2), 4, name("first"), 0, name("second"), 7]);
        // 8: function of 3 arguments; 9: pointer; 10: typedef
        types.extend([0, info(kind::FUNC_PROTO, 3), 0, 0, 9, 0, 1, 0, 1]);
        types.extend([0, info(kind::PTR, 0), 8]);
        types.extend([name("btf_trace_some_point"), info(kind::TYPEDEF, 0), 9]);
        // 11: a function
        types.extend([name("some_function"), info(kind::FUNC, 0), 8]);
        let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();

        let mut out = Vec::new();
        out.extend(MAGIC.to_ne_bytes());
        out.extend([1, 0]);
        for word in [24, 0, types.len() as u32, types.len() as u32, strings.len() as u32] {
            out.extend(word.to_ne_bytes());
        }
        out.extend(types);
        out.extend(strings);
        out
    }

    #[test]
    fn offsets() {
        let btf = Btf::parse(sample()).unwrap();
        for (path, want) in [
            ("outer.a", Some(0)),
            ("outer.b", Some(4)),
            ("outer.d", Some(8)),
            ("outer.e.x", Some(12)),
            ("outer.e.y", Some(16)),
            ("#outer", Some(20)),
            ("outer.gone|outer.c", Some(4)),
            ("outer.a.b", None),
            ("outer.gone", None),
            ("gone.a", None),
            ("outer.", None),
            ("", None),
        ] {
            assert_eq!(btf.offset(path), want, "{path}");
        }
        assert_eq!(btf.enum_value("numbers", "second"), Some(7));
        assert_eq!(btf.enum_value("numbers", "third"), None);
        assert_eq!(btf.tracepoint_args("some_point"), Some(2));
        assert_eq!(btf.tracepoint_args("other"), None);
        assert_eq!((btf.structure("inner"), btf.structure("inner_t")), (Some(4), None));
        assert_eq!((btf.function("some_function"), btf.function("outer")), (Some(11), None));
    }

    #[test]
    fn damage_is_an_error_or_a_missing_member() {
        let whole = sample();
        for len in 0..whole.len() {
            if let Ok(btf) = Btf::parse(whole[..len].to_vec()) {
                btf.offset("outer.e.x");
            }
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            if let Ok(btf) = Btf::parse(bytes) {
                btf.offset("outer.e.x");
                btf.enum_value("numbers", "second");
                btf.tracepoint_args("some_point");
                btf.function("some_function");
            }
        }
        assert_eq!(Btf::parse(b"\x7fELF".to_vec()).unwrap_err(), BtfError::Signature);
    }
}
