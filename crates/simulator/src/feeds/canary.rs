//! Customers who are none: whatever of them is found later, in a table, a log or an alert, should never have got there.

/// What a system asks of a customer.
pub(super) struct Canary {
    pub(super) name: String,
    pub(super) street: String,
    pub(super) phone: String,
    pub(super) email: String,
    /// A day of the years 1950 to 1999, which no event has.
    pub(super) birth_date: String,
    pub(super) ssn_last4: String,
}

impl Canary {
    /// The customer of so many.
    pub(super) fn new(number: usize) -> Self {
        Self {
            name: format!("CANARY-GUEST-{number:05}"),
            street: format!("CANARY-LANE {number:05}"),
            phone: format!("555-01{:02}", number % 100),
            email: format!("canary{number:05}@example.invalid"),
            birth_date: format!("19{}-{:02}-{:02}", 50 + number % 50, 1 + number % 12, 1 + number % 28),
            ssn_last4: format!("{:04}", number % 10_000),
        }
    }
}
