import Kernels
import Networks
import Texts

/// Embeddings of labels as pictures are compared with them.
struct LabelBank {
    /// `[labels, projection]`, rows of length 1.
    let embeddings: Matrix
    /// Of all words of the labels, without start and end.
    let tokens: Set<[Token]>

    var bytes: Int {
        embeddings.rows * embeddings.columns * MemoryLayout<Float>.stride
            + tokens.reduce(0) { $0 + $1.count * MemoryLayout<Token>.stride }
    }

    /// - Parameters:
    ///   - texts: embeddings of all texts of all labels, label by label
    ///   - counts: how many each label has
    init(_ texts: Matrix, counts: [Int], tokens: Set<[Token]>) {
        embeddings = Matrix(stored: counts.count, by: texts.columns)
        self.tokens = tokens
        var next = 0
        for (label, count) in counts.enumerated() {
            let mean = embeddings.rows(label..<label + 1)
            for text in next..<next + count { mean.blend(texts.rows(text..<text + 1), times: 1, keeping: 1) }
            next += count
        }
        embeddings.setUnitRows()
    }

    /// What a bank is made from.
    struct Key: Hashable {
        private let labels: [[ExactString]]
        private let templates: [PromptTemplate]

        init(_ labels: [[String]], _ templates: [PromptTemplate]) {
            self.labels = labels.map { $0.map { ExactString($0) } }
            self.templates = templates
        }

        var bytes: Int { labels.joined().reduce(0) { $0 + $1.text.utf8.count } }
    }
}
