import Texts

/// Short names by which people know published models.
private enum WellKnownName {
    /// How the names of their folders and files begin, in lower case, with a hyphen for any other mark; of names that
    /// begin alike the longer one comes first.
    private static let all: [(name: String, beginnings: [String])] = [
        ("sd14", ["stable-diffusion-v1-4", "sd-v1-4", "v1-4"]),
        ("sd15", ["stable-diffusion-v1-5", "v1-5-pruned", "sd-v1-5", "sd15"]),
        ("sd21-base", ["stable-diffusion-2-1-base", "v2-1-512", "sd21-base"]),
        ("sd21", ["stable-diffusion-2-1", "v2-1-768", "sd21"]),
        ("sd2-base", ["stable-diffusion-2-base", "512-base-ema"]),
        ("sd2", ["stable-diffusion-2", "768-v-ema"]),
    ]

    /// - Parameter title: the name of a folder, file or repository
    static func name(of title: String) -> String? {
        let title = hyphenated(title)
        return all.first { $0.beginnings.contains { title.utf8.starts(with: $0.utf8) } }?.name
    }

    static func hyphenated(_ title: String) -> String {
        let bytes = title.utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "-")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ModelName {
    /// A legal name for what people call `title`, and not one of `taken`: where it is, with a number behind.
    ///
    /// - Parameter title: the name of a folder, file or repository
    package init(suggestedBy title: String, taken: [ModelName]) throws(RegistryError) {
        let ending = ".safetensors"
        let stem =
            title.utf8.reversed().starts(with: ending.utf8.reversed()) ? title.dropLast(ending.count) : title[...]
        let base = WellKnownName.name(of: title) ?? Self.legal(String(stem))
        var name = try ModelName(base)
        var number = 2
        while taken.contains(name) {
            let ending = "-\(number)"
            name = try ModelName(String(base.unicodeScalars.prefix(Self.mostBytes - ending.utf8.count)) + ending)
            number += 1
        }
        self = name
    }

    /// The bytes of a title that are legal, in lower case, each run of others as one hyphen.
    private static func legal(_ title: String) -> String {
        var bytes: [UInt8] = []
        for byte in title.utf8 {
            if isLegal(byte) {
                bytes.append((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte)
            } else if bytes.last != UInt8(ascii: "-") {
                bytes.append(UInt8(ascii: "-"))
            }
        }
        let name = bytes.drop { !mayBegin($0) }.prefix(mostBytes)
        return name.isEmpty ? "model" : String(decoding: name, as: UTF8.self)
    }

    /// Whether people call so what has this title.
    package func isKnown(as title: String) -> Bool {
        let wanted = ExactString(WellKnownName.hyphenated(description))
        return [WellKnownName.name(of: title) ?? title, title].contains {
            ExactString(WellKnownName.hyphenated($0)) == wanted
        }
    }

    /// The name that is alike, by a third of the bytes at most changed, added or left out; `nil`: none is.
    func nearest(of names: [ModelName]) -> ModelName? {
        let distances = names.map { (name: $0, distance: distance(to: $0)) }
        guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance * 3 <= max(description.utf8.count, best.name.description.utf8.count) ? best.name : nil
    }

    /// Levenshtein's distance, in bytes, of which there are few.
    private func distance(to other: ModelName) -> Int {
        let (mine, theirs) = (Array(description.utf8), Array(other.description.utf8))
        var row = Array(0...theirs.count)
        for (line, byte) in mine.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, theirByte) in theirs.enumerated() {
                let changed = diagonal + (byte == theirByte ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
            }
        }
        return row[theirs.count]
    }
}
