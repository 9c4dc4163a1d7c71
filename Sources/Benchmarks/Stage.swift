/// A row in the table of `dseg-bench --peer`.
enum Stage: String, CaseIterable, Encodable {
    case autoencoder
    case unet
    case text
    case newPicture = "new_picture"
    case newWord = "new_word"
    case addedWord = "added_word"
    case knownWords = "known_words"
    case askedWords = "asked_words"
    case sameQuery = "same_query"
    case health
    case start
    case rest
    case knownPicture = "known_picture"
    case caption
    case embedding
    case texts
    case knownTexts = "known_texts"
    case storedTexts = "stored_texts"

    /// The upper limit of our figure.
    enum Limit {
        /// A share of the peer's figure.
        case ofPeer(Double)
        /// Seconds or bytes.
        case absolute(Double)
    }

    /// The unit of a row's figures.
    enum Unit: String, Encodable {
        case seconds, bytes
    }

    /// Stages of networks that are not timed unless they are named.
    static let ofWords: [Stage] = [.caption, .embedding, .texts, .knownTexts, .storedTexts]

    /// Words of a request that has several.
    static let words = 20

    var title: String {
        switch self {
        case .autoencoder: "autoencoder, encode"
        case .unet: "U-Net pass with capture"
        case .text: "text encoder, one prompt"
        case .newPicture: "new picture, \(Self.words) new words, by socket"
        case .newWord: "known picture, 1 new word"
        case .addedWord: "known picture, 1 new word beside \(Self.words) known"
        case .knownWords: "known picture, \(Self.words) known words new to it"
        case .askedWords: "known picture, \(Self.words) words asked before, mask"
        case .sameQuery: "the same query again"
        case .health: "an empty call (Health)"
        case .start: "start to an answer's begin, warm files"
        case .rest: "daemon's memory at rest"
        case .knownPicture: "each known picture"
        case .caption: "captioner, 20 tokens about a new picture"
        case .embedding: "filter, a picture"
        case .texts: "filter, 80 labels' texts"
        case .knownTexts: "the same texts again"
        case .storedTexts: "the same texts after a restart"
        }
    }

    var unit: Unit {
        switch self {
        case .rest, .knownPicture: .bytes
        case .autoencoder, .unet, .text, .newPicture, .newWord, .addedWord, .knownWords, .askedWords, .sameQuery,
            .health, .start, .caption, .embedding, .texts, .knownTexts, .storedTexts:
            .seconds
        }
    }

    /// The limit for Stable Diffusion 1.5 at 512 x 512, batch 1, on two threads.
    var limit: Limit {
        switch self {
        case .autoencoder: .ofPeer(0.5)
        case .unet: .ofPeer(0.75)
        case .text: .ofPeer(0.5)
        case .newPicture: .ofPeer(1.0 / 60)
        case .newWord: .absolute(0.080)
        case .addedWord: .absolute(0.120)
        case .knownWords: .absolute(0.250)
        case .askedWords: .absolute(0.015)
        case .sameQuery: .absolute(0.003)
        case .health: .absolute(0.0001)
        case .start: .absolute(1.5)
        case .rest: .absolute(3.0e9)
        case .knownPicture: .absolute(60e6)
        case .caption, .embedding, .texts: .ofPeer(0.5)
        case .knownTexts: .absolute(0.001)
        case .storedTexts: .absolute(0.020)
        }
    }

    func figure(_ value: Double) -> String {
        unit == .bytes ? Figure.bytes(value) : Figure.time(value)
    }
}
