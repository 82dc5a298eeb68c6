//! Times as milliseconds since 1970 in UTC, and how servers write them.

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// A second, a minute, an hour and a day in milliseconds.
pub const SECOND: Millis = 1_000;
/// See [`SECOND`].
pub const MINUTE: Millis = 60 * SECOND;
/// See [`SECOND`].
pub const HOUR: Millis = 60 * MINUTE;
/// See [`SECOND`].
pub const DAY: Millis = 24 * HOUR;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// A place's offset from UTC in whole hours; the stories need no others.
#[derive(Clone, Copy)]
pub struct Zone(pub i64);

/// A date and a time of day on a wall clock.
pub struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub milli: i64,
    pub weekday: &'static str,
}

impl Zone {
    /// The moment at which the wall clock of this zone shows the given date and time of day.
    pub fn at(self, date: (i64, i64, i64), hour: i64, minute: i64, second: i64) -> Millis {
        days_from_civil(date) * DAY + (hour - self.0) * HOUR + minute * MINUTE + second * SECOND
    }

    /// What the wall clock of this zone shows.
    pub fn civil(self, at: Millis) -> Civil {
        let local = at + self.0 * HOUR;
        let days = local.div_euclid(DAY);
        let rest = local.rem_euclid(DAY);
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: rest / HOUR,
            minute: rest / MINUTE % 60,
            second: rest / SECOND % 60,
            milli: rest % SECOND,
            weekday: WEEKDAYS[days.rem_euclid(7) as usize],
        }
    }

    /// `07/May/2023:02:00:00 -0400`, as access logs write it.
    pub fn access(self, at: Millis) -> String {
        let c = self.civil(at);
        let sign = if self.0 < 0 { '-' } else { '+' };
        format!(
            "{:02}/{}/{:04}:{:02}:{:02}:{:02} {sign}{:02}00",
            c.day,
            month(&c),
            c.year,
            c.hour,
            c.minute,
            c.second,
            self.0.abs()
        )
    }

    /// `Sun Sep 05 13:58:03.123456 2021`, as Apache's error log writes it.
    pub fn apache_error(self, at: Millis, micros: u64) -> String {
        let c = self.civil(at);
        format!(
            "{} {} {:02} {:02}:{:02}:{:02}.{:03}{:03} {:04}",
            c.weekday,
            month(&c),
            c.day,
            c.hour,
            c.minute,
            c.second,
            c.milli,
            micros,
            c.year
        )
    }

    /// `2023/05/07 02:00:00`, as nginx's error log writes it.
    pub fn nginx_error(self, at: Millis) -> String {
        let c = self.civil(at);
        format!(
            "{:04}/{:02}/{:02} {:02}:{:02}:{:02}",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    }
}

fn month(civil: &Civil) -> &'static str {
    MONTHS[civil.month as usize - 1]
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", 2014).
fn days_from_civil((year, month, day): (i64, i64, i64)) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`], from the same source.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
