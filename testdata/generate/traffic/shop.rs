//! The shop: its pages, what belongs to them, how big they are, and what people search for.

use super::rng::{Rng, fingerprint};

/// How the shop spells its addresses.
#[derive(Clone, Copy, PartialEq)]
pub enum Style {
    /// `/p/17-oak-stool`: an application behind nginx.
    Pretty,
    /// `/item.php?no=17`: scripts under Apache.
    Scripts,
}

/// A shop.
#[derive(Clone, Copy)]
pub struct Shop {
    pub style: Style,
    /// Scheme and host, for referers.
    pub origin: &'static str,
    pub items: usize,
}

const ADJECTIVES: [&str; 16] = [
    "oak",
    "blue",
    "folding",
    "woollen",
    "enamel",
    "tall",
    "striped",
    "copper",
    "small",
    "linen",
    "garden",
    "travel",
    "ceramic",
    "rustic",
    "soft",
    "stackable",
];
const NOUNS: [&str; 20] = [
    "stool", "lamp", "mug", "blanket", "kettle", "shelf", "scarf", "basket", "clock", "rug",
    "teapot", "chair", "mirror", "vase", "tray", "cushion", "bench", "hook", "bowl", "ladder",
];
const CATEGORIES: [&str; 12] = [
    "kitchen", "lighting", "garden", "textiles", "office", "sale", "new", "gifts", "bath",
    "storage", "outdoor", "kids",
];

/// What people type, as browsers encode it. Many would frighten a filter that looks at words only:
/// that is what they are here for.
const SEARCHES: [&str; 46] = [
    "oak+stool",
    "copper+kettle",
    "blue+mug",
    "union+jack+mug",
    "select+comfort+pillow",
    "credit+union+gift+card",
    "table+lamp+from+spain",
    "order+by+friday",
    "where+is+my+order",
    "drop+leaf+table",
    "drop+earrings",
    "o%27neill+hoodie",
    "children%27s+chair",
    "5%27+6%22+ladder",
    "24%22+shelf",
    "%22oak+stool%22",
    "sleep+mask",
    "benchmark+scale",
    "script+font+stencil",
    "javascript+mug",
    "insert+tray+for+drawer",
    "update+kit+lamp",
    "delete+key+cushion",
    "having+a+bad+day+mug",
    "group+by+colour",
    "alert+bell",
    "executive+chair",
    "char+cloth",
    "50%25+off",
    "under+%C2%A3+20",
    "caf%C3%A9+curtains",
    "k%C3%BCchenuhr",
    "%E6%A4%85%E5%AD%90",
    "1%2F2+inch+hook",
    "salt+%26+pepper+set",
    "rock+%27n%27+roll+poster",
    "and+or+sign",
    "1+or+2+seater",
    "cast+iron",
    "concat+tile",
    "c%2B%2B+mug",
    "lamp+%3C+40",
    "stool%2C+set+of+2",
    "chair+%28oak%29",
    "ping+pong+table",
    "cat+bowl",
];

/// Files every page pulls, with their sizes.
pub const PAGE_ASSETS: [(&str, u64); 6] = [
    ("/static/css/shop.4f1c.css", 38_211),
    ("/static/js/vendor.91aa.js", 121_904),
    ("/static/js/shop.0be7.js", 44_380),
    ("/static/img/logo.svg", 3_127),
    ("/static/fonts/text.woff2", 27_840),
    ("/favicon.ico", 1_150),
];

impl Shop {
    /// The pretty shop behind nginx.
    pub fn pretty() -> Shop {
        Shop {
            style: Style::Pretty,
            origin: "https://shop.example",
            items: 320,
        }
    }

    /// The shop of PHP scripts under Apache.
    pub fn scripts() -> Shop {
        Shop {
            style: Style::Scripts,
            origin: "https://www.shop.example",
            items: 240,
        }
    }

    pub fn category(&self, index: usize) -> String {
        let index = index % CATEGORIES.len();
        match self.style {
            Style::Pretty => format!("/c/{}", CATEGORIES[index]),
            Style::Scripts => format!("/list.php?group={}", index + 1),
        }
    }

    pub fn item(&self, index: usize) -> String {
        match self.style {
            Style::Pretty => format!("/p/{}-{}", index + 1, item_name(index)),
            Style::Scripts => format!("/item.php?no={}", index + 1),
        }
    }

    pub fn search(&self, words: &str) -> String {
        match self.style {
            Style::Pretty => format!("/search?q={words}"),
            Style::Scripts => format!("/find.php?term={words}"),
        }
    }

    /// The call by which an item's page asks what is in stock.
    pub fn stock(&self, index: usize) -> String {
        match self.style {
            Style::Pretty => format!("/api/v1/stock/{}", index + 1),
            Style::Scripts => format!("/stock.php?no={}", index + 1),
        }
    }

    pub fn login(&self) -> &'static str {
        self.named("/login", "/login.php")
    }

    pub fn account(&self) -> &'static str {
        self.named("/account", "/account.php")
    }

    pub fn cart(&self) -> &'static str {
        self.named("/cart", "/cart.php")
    }

    pub fn add_to_cart(&self) -> &'static str {
        self.named("/cart/add", "/cart.php?do=add")
    }

    fn named(&self, pretty: &'static str, script: &'static str) -> &'static str {
        match self.style {
            Style::Pretty => pretty,
            Style::Scripts => script,
        }
    }

    /// A picture of an item.
    pub fn picture(&self, index: usize, size: &str) -> String {
        format!("/media/{size}/{}-{}.jpg", index + 1, item_name(index))
    }

    /// The whole address, for referers.
    pub fn url(&self, target: &str) -> String {
        format!("{}{target}", self.origin)
    }
}

/// `oak-stool`.
pub fn item_name(index: usize) -> String {
    let adjective = ADJECTIVES[index / NOUNS.len() % ADJECTIVES.len()];
    format!("{adjective}-{}", NOUNS[index % NOUNS.len()])
}

/// Words that somebody searches for.
pub fn search_words(rng: &mut Rng) -> &'static str {
    SEARCHES[rng.below(SEARCHES.len() as u64) as usize]
}

/// The size of a page: its own, and a little more or less each time.
pub fn page_bytes(rng: &mut Rng, target: &str) -> u64 {
    14_000 + fingerprint(target) % 18_000 + rng.below(240)
}

/// The size of a picture, always the same.
pub fn picture_bytes(target: &str) -> u64 {
    9_000 + fingerprint(target) % 60_000
}
