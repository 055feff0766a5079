//! The catalogue of fields of events, as the compiler sees it.

use std::sync::Arc;

use tracehound_fields::{ArgPolicy, Depends, FieldArg, FieldId, FieldRef, catalogue, flags, resolve};
use tracehound_rules::{
    Expr, LeafId, Op, Operand, Predicate, Rhs, TypeError, TypeErrorKind, UntypedLeaf, check_operator, compile,
    operators_of,
};

fn condition(lhs: Operand, op: Op, constants: &[&str]) -> Expr {
    let rhs = match op {
        Op::Exists => Rhs::None,
        _ => Rhs::Constants(constants.iter().map(|c| c.as_bytes().to_vec()).collect()),
    };
    Expr::Leaf(Arc::new(UntypedLeaf { lhs, op, modifier: None, rhs }), LeafId(0))
}

fn compiled(name: &str, op: Op, constants: &[&str]) -> Result<Predicate, Vec<TypeError>> {
    compile(&condition(Operand::Field(resolve(name).unwrap()), op, constants))
}

#[test]
fn every_field_with_every_operator() {
    for (i, row) in catalogue::all().iter().enumerate() {
        if matches!(row.arg, ArgPolicy::Required(_)) {
            continue;
        }
        let field = FieldRef { id: FieldId(i as u16), arg: FieldArg::None, text: row.name.into() };
        let lhs = Operand::Field(field);
        let exists = compile(&condition(lhs.clone(), Op::Exists, &[]));
        if row.flags & flags::PRINT_ONLY != 0 {
            assert!(matches!(exists.unwrap_err()[0].kind, TypeErrorKind::PrintOnly { .. }), "{}", row.name);
            continue;
        }
        let predicate = exists.unwrap_or_else(|errors| panic!("{}: {errors:?}", row.name));
        assert!(predicate.leaves()[0].depends().contains(row.depends), "{}", row.name);
        let ty = check_operator(&lhs, Op::Exists).unwrap();
        for op in Op::ALL.into_iter().filter(|&op| op != Op::Exists) {
            // Some constant of every type.
            let constants = ["1", "true", "1.1.1.1", "1.1.1.1/8", "open", "ab"];
            let any = constants.iter().any(|constant| compile(&condition(lhs.clone(), op, &[constant])).is_ok());
            assert_eq!(any, operators_of(ty).contains(&op), "{} {}", row.name, op.name());
        }
    }
}

#[test]
fn conditions() {
    let rows: &[(&str, Op, &[&str], bool)] = &[
        ("evt.rawarg.res", Op::Gt, &["4294967295"], true),
        ("evt.rawarg.res", Op::Contains, &["1"], false),
        ("evt.rawarg.uid", Op::Eq, &["5"], true),
        ("evt.rawarg.uid", Op::Eq, &["root"], false),
        ("evt.rawarg.flags", Op::Exists, &[], true),
        ("evt.rawarg.trusted_exepath", Op::Eq, &["<NA>"], true),
        ("evt.arg.uid", Op::Eq, &["<NA>"], true),
        ("fd.sport", Op::Eq, &["https"], true),
        ("fd.ip", Op::Eq, &["142.251.111.147"], true),
        ("fd.net", Op::Ne, &["2001:db8::0/64"], true),
        ("fd.net", Op::Ne, &["10.0.0.1"], false),
        ("proc.aname[2]", Op::Eq, &["bash"], true),
        ("fd.types[1]", Op::Contains, &["file"], true),
        ("fd.types", Op::Contains, &["file"], false),
        ("evt.buffer", Op::BContains, &["656c6C"], true),
        ("evt.buffer", Op::BContains, &["2g"], false),
        ("evt.num", Op::Eq, &["0x1F"], false),
        ("evt.type", Op::In, &["open", "openat2", "procexit"], true),
        ("evt.type", Op::In, &["open", "opennat"], false),
        ("user.loginuid", Op::Eq, &["-1"], true),
        ("proc.is_exe_writable", Op::Eq, &["true"], true),
        ("proc.is_exe_writable", Op::Eq, &["1"], false),
    ];
    for &(name, op, constants, is_ok) in rows {
        let result = compiled(name, op, constants);
        assert_eq!(result.is_ok(), is_ok, "{name} {} {constants:?}: {:?}", op.name(), result.err());
    }
}

#[test]
fn dependencies() {
    let leaf_of = |name: &str| compiled(name, Op::Exists, &[]).unwrap().leaves()[0].depends();
    assert!(leaf_of("proc.name").is_within(&[Depends::Image]));
    assert!(!leaf_of("proc.aname").is_within(&[Depends::Image]));
    assert!(leaf_of("proc.aname").is_within(&[Depends::Image, Depends::Lineage]));
    assert!(leaf_of("proc.aname[1]").is_within(&[Depends::Lineage]));
    assert!(leaf_of("proc.aname[0]").is_within(&[Depends::Actor]), "the process itself");
    assert!(leaf_of("evt.type").contains(Depends::Kind));
}

#[test]
fn static_conditions_fold() {
    let never = compiled("evt.num", Op::Eq, &["0"]).unwrap();
    assert_eq!(never.leaves()[0].constant(), Some(false));
    assert!(never.kinds().is_none());
    let open = compiled("evt.type", Op::Eq, &["open"]).unwrap();
    assert_eq!(open.kinds().names(), ["open"]);
}
