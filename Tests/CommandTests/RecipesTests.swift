import FoundationEssentials
import RPC
import Support
import Testing

/// `dseg recipes`: what there is to choose, for people and for machines.
@Suite struct RecipesTests {
    private struct Listing: Decodable {
        struct Recipe: Decodable {
            let name, summary, cost, source: String
            let settings: [Setting]
        }

        struct Setting: Decodable {
            let key, value, legal, meaning: String
        }

        let recipes: [Recipe]
    }

    private let daemon: Daemon

    init() throws {
        daemon = try Daemon()
    }

    private func listing() throws -> Listing {
        let ending = try daemon.dseg(["recipes", "--json"])
        #expect(ending.code == 0 && ending.errors.isEmpty)
        #expect(ending.text.split(separator: "\n").count == 1)
        return try JSONDecoder().decode(Listing.self, from: Data(ending.output))
    }

    @Test func `each recipe and setting is described, in 80 columns`() throws {
        let ending = try daemon.dseg(["recipes"])
        #expect(ending.code == 0 && ending.errors.isEmpty)
        let lines = ending.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= 80 })
        let words = ending.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let recipes = try listing().recipes
        #expect(
            recipes.map(\.name)
                == [
                    "best", "shared", "diffsegmenter", "published", "published-as-shipped", "iseg:voc", "iseg:context",
                    "iseg:coco", "cliper:voc", "cliper:context", "cliper:coco", "cliper-b16:voc", "cliper-b16:context",
                    "cliper-b16:coco", "cliper-affinity:voc", "cliper-affinity:context", "cliper-affinity:coco",
                ])
        for recipe in recipes {
            #expect(words.contains("\(recipe.name) \(recipe.summary) cost \(recipe.cost) source \(recipe.source)"))
            #expect(
                recipe.settings.map(\.key)
                    == [
                        "captions", "weighted", "enhancement", "grid", "detail", "resize", "gamma", "colour", "rounds",
                        "weights", "edges", "softmax", "clusters", "entropy", "cut", "heads", "presence",
                    ])
            for setting in recipe.settings {
                #expect(words.contains("\(setting.key) \(setting.value): \(setting.meaning) (\(setting.legal))"))
            }
        }
    }

    @Test func `what is listed may be set, and a recipe's own values change nothing`() throws {
        for recipe in try listing().recipes {
            // A list of weights for each number of resolutions is no value.
            let own = recipe.settings.filter { !$0.value.contains(" or ") }.flatMap { setting in
                ["--set", "\(setting.key)=\(setting.value)"]
            }
            let question = ["mask", Repository.picture, "boat, sheep", "--recipe", recipe.name, "-o", "-"]
            let plain = try daemon.dseg(question)
            #expect(plain.code == 0, "\(plain.errors)")
            let set = try daemon.dseg(question + own)
            #expect(set.output == plain.output && set.errors == plain.errors)
        }
    }

    @Test func `one prompt of all labels that was cut is told of once`() throws {
        let ending = try daemon.dseg(["mask", Repository.picture, "boat, sheep", "--recipe", "iseg", "-o", "-"])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(ending.errors.components(separatedBy: "its end was left out").count == 2, "\(ending.errors)")
    }
}
