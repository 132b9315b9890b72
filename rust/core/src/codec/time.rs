//! Dates of the proleptic Gregorian calendar and microseconds since 1970.

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;

/// The first microsecond of the year 1.
pub const FIRST_US: i64 = -62_135_596_800_000_000;

/// The last microsecond of the year 9999.
pub const LAST_US: i64 = 253_402_300_799_999_999;

/// Days since 1970-01-01.
#[must_use]
pub fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
#[must_use]
pub fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_comes_back() {
        let mut expected = days_from_date(1, 1, 1);
        assert_eq!(expected * DAY_US, FIRST_US);
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=28 {
                    let days = days_from_date(year, month, day);
                    assert_eq!(date_from_days(days), (year, month, day));
                    assert!(days >= expected);
                    expected = days;
                }
            }
        }
        assert_eq!((days_from_date(9999, 12, 31) + 1) * DAY_US - 1, LAST_US);
        assert_eq!(date_from_days(days_from_date(2024, 2, 29) + 1), (2024, 3, 1));
        assert_eq!(days_from_date(1970, 1, 1), 0);
    }
}
