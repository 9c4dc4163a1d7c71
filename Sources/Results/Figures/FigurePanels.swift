import Glibc
import Images
import RPC

/// A picture, and what was answered about it by each recipe.
struct AnsweredPicture: Sendable {
    let path: String
    let image: Image
    let answers: [CompleteAnswer]

    /// - Throws: `ImageError` for the picture, `DrawingError.otherPicture` where it has another size than was answered
    init(_ input: InputPicture, path: String, _ answers: [CompleteAnswer]) throws {
        image = try Image(decoding: input.bytes)
        self.path = path
        self.answers = answers
        for answer in answers {
            guard image.width == Int(answer.header.width), image.height == Int(answer.header.height) else {
                throw DrawingError.otherPicture
            }
        }
    }
}

extension FigurePlan {
    /// The rows that show a picture: one for each label, of `recipes` a single one, of `clip` one for each recipe.
    ///
    /// - Throws: ``FigureError/nothingToShow(_:recipe:)``, `RPCStatus` for a broken map
    func rows(of picture: AnsweredPicture) throws -> [Figure.Row] {
        let size = PanelSize(of: (picture.image.width, picture.image.height), longer: panel)
        let labels = picture.answers[0].header.labels.map { Streams.excerpt($0.name) }
        var rows: [(label: [Figure.Line], panels: [Figure.Panel])] = []
        switch kind {
        case .layers, .stages:
            let answer = picture.answers[0]
            for (number, label) in labels.enumerated() {
                let maps = answer.probed.filter { $0.map.label == number }
                if maps.isEmpty { throw FigureError.nothingToShow(kind, recipe: answer.header.recipe) }
                var panels = try maps.map { try Figure.Panel(cells: $0) }
                if kind.showsScores {
                    panels.append(try Figure.Panel(scores: number, of: answer, size, saying: "scores"))
                    panels.append(Figure.Panel(mask: answer, over: picture.image, size, saying: ["mask"]))
                }
                rows.append(([.said(label)], panels))
            }
        case .recipes:
            let panels = picture.answers.map {
                Figure.Panel(mask: $0, over: picture.image, size, saying: $0.recipeLines)
            }
            rows.append(([], panels))
        case .clip:
            for (saying, answer) in zip(["CLIP's scores of each patch", "scores"], picture.answers) {
                let scores = try labels.enumerated().map { number, label in
                    try Figure.Panel(scores: number, of: answer, size, saying: label)
                }
                let mask = Figure.Panel(mask: answer, over: picture.image, size, saying: ["mask"])
                rows.append((.saying([saying] + answer.recipeLines), scores + [mask]))
            }
        }
        return rows.enumerated().map { number, row in
            let own = Figure.Panel(picture, size, isNamed: number == 0)
            return Figure.Row(label: row.label, size: size, panels: [own] + row.panels)
        }
    }
}

extension CompleteAnswer {
    /// The recipe, and below it what was set in it.
    fileprivate var recipeLines: [String] { [Streams.excerpt(header.recipe)] + header.settings.map(Streams.excerpt) }
}

extension Figure.Panel {
    /// Labels of a key; more are counted.
    private static let keyLimit = 16

    /// The picture on white.
    fileprivate init(_ picture: AnsweredPicture, _ size: PanelSize, isNamed: Bool) {
        let (width, height) = (picture.image.width, picture.image.height)
        let name = InputFile.isStream(picture.path) ? "picture" : PathText.split(picture.path).name
        self.init(picture.image, size, isNamed ? .saying([Streams.excerpt(name), "\(width) x \(height)"]) : [])
    }

    private init(_ image: Image, _ size: PanelSize, _ caption: [Figure.Line]) {
        let isItsSize = image.width == size.width && image.height == size.height
        let resized = isItsSize ? nil : image.bicubic(width: size.width, height: size.height)
        self.init(pixels: resized ?? image.seen, columns: size.width, rows: size.height, caption: caption)
    }

    /// A map in its own cells, its least value black and its greatest pale yellow.
    fileprivate init(cells probed: ProbedMap) throws(RPCStatus) {
        let scores = try probed.map.scores()
        let (columns, rows) = (Int(probed.map.width), Int(probed.map.height))
        let size = "\(columns) x \(rows)"
        let name = Self.layer(probed.name)
        // The names of some stages end with it.
        let isSized = name.utf8.reversed().starts(with: " \(size)".utf8.reversed())
        let stage = isSized ? String(name.unicodeScalars.dropLast(size.utf8.count + 1)) : name
        self.init(
            pixels: Compositing.coloured(Compositing.grey(scores), .inferno), columns: columns, rows: rows,
            caption: .saying([stage, size, Self.range(Compositing.range(of: scores))]))
    }

    /// A label's scores at the picture's size, in the same colours.
    fileprivate init(scores label: Int, of answer: CompleteAnswer, _ size: PanelSize, saying line: String) throws {
        guard label < answer.maps.count else { throw DrawingError.noScores }
        let scores = try answer.maps[label].scores()
        let image = Image(
            width: Int(answer.header.width), height: Int(answer.header.height),
            pixels: Compositing.coloured(Compositing.grey(scores), .inferno), alpha: nil)
        self.init(image, size, .saying([line, Self.range(Compositing.range(of: scores))]))
    }

    /// The picture tinted with the labels' colours, and each label's share.
    fileprivate init(mask answer: CompleteAnswer, over image: Image, _ size: PanelSize, saying lines: [String]) {
        let tinted = Image(
            width: image.width, height: image.height,
            pixels: Compositing.tinted(image.seen, by: answer.indices, .voc), alpha: nil)
        let key = answer.shareLines.prefix(Self.keyLimit).enumerated().map { number, line in
            Figure.Line(text: line, ink: .key(Colour(UInt8(number + 1), of: .voc)))
        }
        let left = answer.shareLines.count - key.count
        self.init(tinted, size, Array.saying(lines) + key + (left > 0 ? [.aside("and \(left) more")] : []))
    }

    /// A layer as people write it, "down 0.1" for `down_blocks.0.attentions.1`; any other name as it is.
    static func layer(_ name: String) -> String {
        if name.utf8.starts(with: "mid_block.".utf8) { return "middle" }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let sides = [("down_blocks.", "down"), ("up_blocks.", "up")]
        guard parts.count == 4, let side = sides.first(where: { name.utf8.starts(with: $0.0.utf8) }) else {
            return Streams.excerpt(name)
        }
        return Streams.excerpt("\(side.1) \(parts[1]).\(parts[3])")
    }

    /// "0 ... 0.031"; a least value that is less than a two-thousandth of the range is 0, as it would be in its digits.
    static func range(_ range: ClosedRange<Float>) -> String {
        let isNothing = abs(range.lowerBound) < (range.upperBound - range.lowerBound) / 2000
        return "\(isNothing ? "0" : number(range.lowerBound)) ... \(number(range.upperBound))"
    }

    /// Two digits of a number, "0.031", "1", "0.0002", "4.2e-07".
    static func number(_ value: Float) -> String {
        guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
        let exponent = Int(log10(abs(Double(value))).rounded(.down)) - 1
        let digits = (Double(value) / pow(10, Double(exponent))).rounded()
        // Of the decimal text, so that no digits of a binary fraction are left behind those two.
        let text = "\(Double("\(Int(digits))e\(exponent)") ?? Double(value))"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension Figure.Line {
    fileprivate static func said(_ text: String) -> Figure.Line { Figure.Line(text: text, ink: .black) }
    fileprivate static func aside(_ text: String) -> Figure.Line { Figure.Line(text: text, ink: .grey) }
}

extension [Figure.Line] {
    /// The first line in black, the others in grey.
    fileprivate static func saying(_ lines: [String]) -> Self {
        lines.prefix(1).map(Figure.Line.said) + lines.dropFirst().map(Figure.Line.aside)
    }
}
