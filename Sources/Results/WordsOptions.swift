package import ArgumentParser

/// The options of `words`, the same for both programs.
package struct WordsOptions: ParsableArguments {
    @Argument(
        help: "The picture, a PNG, JPEG or WebP file; - reads it from standard input. More may follow.",
        completion: .file(extensions: Suggestions.pictureEndings))
    package var image: String

    @Argument(
        help: """
            Candidates, as labels of mask are typed: words, @voc, @context, @coco, @ade, @lvis, @demo or @file.txt; \
            none: what the caption names.
            """, completion: Suggestions.words)
    package var words: [String] = []

    @OptionGroup package var filter: FilterOptions

    @Flag(help: "Print one JSON object for each picture instead.")
    package var json = false

    package init() {}

    package func validate() throws {
        do throws(WordError) {
            _ = try MaskArguments(image, words, nil)
        } catch .missingPicture {
            // No usage error, as for mask: the run reports it with an exit code of its own.
            return
        } catch .vocabulary(let error) where error.exitReason != .usage {
            return
        } catch {
            throw ValidationError(error.description)
        }
    }
}
