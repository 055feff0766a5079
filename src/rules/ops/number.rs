//! Ordering of numbers.

use crate::ir::Op;

/// A comparison by order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Order {
    /// The order that an operator asks for. Membership in a list of one value is equality with it.
    pub(crate) fn of(op: Op) -> Option<Order> {
        Some(match op {
            Op::Eq | Op::In | Op::Intersects => Order::Eq,
            Op::Ne => Order::Ne,
            Op::Lt => Order::Lt,
            Op::Le => Order::Le,
            Op::Gt => Order::Gt,
            Op::Ge => Order::Ge,
            _ => return None,
        })
    }

    /// True if `a` stands in this order to `b`. Values that have no order are only different.
    pub(crate) fn holds<T: PartialOrd + ?Sized>(self, a: &T, b: &T) -> bool {
        match self {
            Order::Eq => a == b,
            Order::Ne => a != b,
            Order::Lt => a < b,
            Order::Le => a <= b,
            Order::Gt => a > b,
            Order::Ge => a >= b,
        }
    }
}
