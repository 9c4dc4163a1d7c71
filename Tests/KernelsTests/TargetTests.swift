import CKernels
import Glibc
import Kernels
import Testing

/// Every target there is; a processor may have fewer.
let targets = [dseg_portable, dseg_avx2, dseg_avx512, dseg_avx512vnni]

/// The instruction set is chosen for a whole process, so each is tried in a process of its own:
/// what else runs in this one keeps the target that it began with.
@Suite struct TargetTests {
    @Test(arguments: targets.map(\.rawValue))
    func `dseg_choose_target leads to the same laws`(target: UInt32) async {
        await #expect(processExitsWith: .success) { [target] in
            _ = startedThreads
            guard dseg_choose_target(dseg_instruction_set(rawValue: target)) else { return }
            #expect(dseg_chosen_target().rawValue == target)
            let pointwise = PointwiseTests()
            pointwise.`dseg_silu is x σ(x)`()
            pointwise.`dseg_quick_gelu is x σ(1,702 x)`()
            pointwise.`dseg_gelu is x times the normal distribution's weight below x`()
            pointwise.`dseg_gated_gelu multiplies the left half by the right half's gelu`()
            pointwise.`activations keep their accuracy over their whole range`()
            pointwise.`dseg_blend is a x + b y, also of a matrix with itself`()
            pointwise.`dseg_affine is a x + b`()
            pointwise.`a NaN stays a NaN under each activation and touches no neighbour`()
            let norm = NormTests()
            norm.`dseg_group_norm keeps its definition at every width, in place and with silu`()
            norm.`dseg_layer_norm keeps its definition at every width`()
            norm.`a group norm sees the spread of numbers far from zero`(mean: 1000)
            norm.`a layer norm sees the spread of numbers far from zero`(mean: 1000)
        }
    }

    /// Each target keeps the definition within its derivation, so two of them agree within twice that.
    @Test(arguments: targets.map(\.rawValue))
    func `every target multiplies, widens and attends by the same laws`(target: UInt32) async {
        await #expect(processExitsWith: .success) { [target] in
            _ = startedThreads
            guard dseg_choose_target(dseg_instruction_set(rawValue: target)) else { return }
            let product = ProductTests()
            product.`dseg_linear is x wᵀ + bias at every number of outputs`()
            product.`weights stored as halves multiply as the floats that they are, bit for bit`()
            product.`a weight that is NaN reaches its own output and no other`()
            let embedding = EmbeddingTests()
            embedding.`dseg_embed adds each token's row of the table to its position's row, however they are stored`()
            embedding.`all 65,536 halves of either format become their floats, NaN a quiet one`()
            embedding.`all halves as weights become their floats, and NaN stays`()
            embedding.`dseg_read reads or adds a table's rows, however they are stored`()
            let bicubic = BicubicTests()
            bicubic.`dseg_resample keeps its definition at every number of channels`()
            MapTests().`dseg_place_of_largest is the first place of the largest number, or of NaN`()
            let peaks = PeakTests()
            peaks.`dseg_softmax touches nothing beside its columns`()
            peaks.`dseg_peaks keeps its definition, and a column its bits in any company`(height: 4, width: 7)
            let attention = AttentionTests()
            attention.`dseg_attention keeps its definition at every number of keys`()
            attention.`dseg_attention keeps its definition around the borders of its tiles`()
            attention.`attention and its scores keep their definitions for keys and widths together`(
                keys: 77, width: 40)
            attention.`the bits of a query's answer do not depend on the numbers of other queries`()
            attention.`scores of ten thousand choose one key and overflow nothing`()
            attention.`a query that is NaN has NaN for an answer, and no other query has`()
            attention.`a key that is NaN spoils every answer rather than hide`()
            let score = ScoreTests()
            score.`dseg_quantize_queries and dseg_quantize_keys keep each number within half a unit`()
            try score.`dseg_score keeps its definition`()
            try score.`dseg_score_tokens keeps its definition, heads weighed apart`()
            try score.`scores of ten thousand choose one key, and what is not a number is not hidden`()
            score.`dseg_quantize_unsigned keeps each number, or each square root, within half a step`()
            score.`dseg_complete multiplies maps by the self-attention's rows`()
            let joint = JointScoreTests()
            try joint.`dseg_score_jointly keeps its definition`()
            try joint.`a label alone has its own softmax, and no bit depends on the labels' order`()
            try joint.`what is not a number spoils all that it is added to`()
            try joint.`scores of ten thousand choose one key among all labels`()
            PaintTests().`dseg_enlarge samples and stretches a map`()
            PaintTests().`dseg_paint lets the first of equal and the larger of other scores claim a pixel`()
        }
    }

    @Test(arguments: targets.map(\.rawValue))
    func `every target filters by a picture by the same laws`(target: UInt32) async {
        await #expect(processExitsWith: .success) { [target] in
            _ = startedThreads
            guard dseg_choose_target(dseg_instruction_set(rawValue: target)) else { return }
            let guided = GuidedTests()
            guided.`dseg_guided keeps its definition`()
            guided.`a map's bits depend neither on the maps beside it nor on their order`()
            guided.`dseg_guided stays within dseg_guided_scratch, its guide and its maps`()
            let colour = ColourTests()
            try colour.`dseg_weigh keeps its definition on every grid`()
            try colour.`a narrow kernel keeps pixels of the same colour alone`()
            let entropy = EntropyTests()
            try entropy.`dseg_sharpen keeps its definition at every size`()
            try entropy.`a row with NaN stays NaN and spoils no other`()
            let links = LinksTests()
            links.`dseg_balance keeps its definition at every size`()
            links.`dseg_link keeps its definition at every size`()
            links.`dseg_softmax keeps its definition at every number of columns`()
            let cluster = ClusterTests()
            cluster.`dseg_cluster keeps its definition at every number of pixels, tokens and centres`()
            cluster.`the first of equal centres takes a pixel, and one without pixels vanishes`()
            cluster.`logarithms keep their accuracy over all normal numbers`()
            let heads = HeadProductTests()
            for fixed in [false, true] {
                heads.`dseg_apply_head and dseg_head_row keep their definition`(fixed: fixed)
                heads.`a label's bits depend neither on the others nor on how many there are`(fixed: fixed)
                heads.`a row without links is zero, and a threshold of one leaves none`(fixed: fixed)
                heads.`a query or a key that is not finite spoils every row rather than hide`(fixed: fixed)
            }
            let share = ShareTests()
            share.`dseg_share keeps its definition`()
            share.`a label alone keeps what it has`()
        }
    }

    @Test(arguments: targets.map(\.rawValue))
    func `every target convolves by the same laws`(target: UInt32) async {
        await #expect(processExitsWith: .success) { [target] in
            _ = startedThreads
            guard dseg_choose_target(dseg_instruction_set(rawValue: target)) else { return }
            let convolution = ConvolutionTests()
            convolution.`dseg_convolution keeps its definition in every geometry`(height: 5, width: 4)
            convolution.`weights stored as halves convolve as the floats that they are, bit for bit`()
            let winograd = WinogradTests()
            winograd.`Winograd's way keeps the definition on maps of every height and width`(height: 7)
            winograd.`Winograd's way keeps the definition on doubled maps`(height: 3)
            winograd.`Winograd's way keeps the definition in every geometry`(height: 5, width: 4)
            winograd.`Winograd's way keeps the definition for every tail of inputs and outputs`(inputs: 65)
            winograd.`Winograd's way keeps the definition of few tiles and of more`(height: 23, width: 29)
            winograd.`Winograd's way keeps the definition over groups of outputs`(
                inputs: 250, outputs: 270)
            winograd.`the measured error is a small part of the bound and no absurdly small one`()
            winograd.`a NaN reaches the outputs whose tiles read it and no other`(side: 24)
        }
    }

    @Test(arguments: targets.map(\.rawValue))
    func `every target multiplies in fixed point by the same laws`(target: UInt32) async {
        await #expect(processExitsWith: .success) { [target] in
            _ = startedThreads
            guard dseg_choose_target(dseg_instruction_set(rawValue: target)) else { return }
            let panels = FixedPanelsTests()
            panels.`dseg_quantize_panels keeps each weight within half a unit of its output's length, at every tail`()
            panels.`dseg_quantize_inputs keeps each number within half a unit of its row's length, at every tail`()
            panels.`no product of two rows in fixed point leaves 32 bits, whatever is in them`(magnitude: 1)
            panels.`rows whose squares are lost are kept all the same`(magnitude: 1e-22)
            panels.`what is not finite has a scale that is NaN, in its own row and no other`()
            panels.`dseg_compute_kernel_scales scales each frequency of each output by its length`()
            let product = FixedProductTests()
            product.`dseg_fixed_linear is exact but for the scales at every number of inputs`()
            product.`dseg_fixed_linear is exact but for the scales at every number of outputs`()
            product.`dseg_fixed_linear is exact but for the scales at every number of rows`()
            product.`rows that point the same way have the largest sum that there is, and it fits`(inputs: 1280)
            product.`a product in fixed point is that of its numbers, within half a unit of each`()
            product.`the bits of a row in fixed point depend neither on other rows nor on other outputs`()
            product.`what is not finite in fixed point reaches its own row or output and no other`()
            product.`rows and outputs of zeros give the bias alone`()
        }
    }

    @Test(arguments: targets.map(\.rawValue))
    func `every target attends in fixed point by the same laws`(target: UInt32) async {
        await #expect(processExitsWith: .success) { [target] in
            _ = startedThreads
            guard dseg_choose_target(dseg_instruction_set(rawValue: target)) else { return }
            let attention = FixedAttentionTests()
            attention.`dseg_attention in fixed point keeps its definition at every number of keys`()
            attention.`dseg_attention in fixed point keeps its definition around the borders of its tiles`()
            attention.`dseg_attention in fixed point keeps its definition over more keys than a block has`(keys: 1025)
            attention.`dseg_attention in fixed point keeps its definition for heads of every width`(
                heads: 2, width: 17)
            attention.`dseg_attention_mean in fixed point adds what attention sees`()
            attention.`a key that outweighs all others gives its own value`()
            attention.`equal values of equal keys come back, whatever their number`(keys: 1500)
            attention.`the errors of attention in fixed point are those of independent roundings`(
                keys: 77, width: 40)
            attention.`the bits of an answer in fixed point depend on its query, the keys and the values alone`()
            attention.`the bits of a causal query's answer do not depend on what is behind its own position`()
            attention.`a query that is not finite in fixed point has NaN for an answer, and no other query has`()
            attention.`a key that is not finite in fixed point spoils every answer rather than hide`()
            attention.`a value that is not finite in fixed point spoils its own column and no other`()
        }
    }

    @Test(arguments: targets.map(\.rawValue))
    func `every target convolves in fixed point by the same laws`(target: UInt32) async {
        await #expect(processExitsWith: .success) { [target] in
            _ = startedThreads
            guard dseg_choose_target(dseg_instruction_set(rawValue: target)) else { return }
            let convolution = FixedConvolutionTests()
            convolution.`Winograd's way in fixed point keeps the definition on maps of every height and width`(
                height: 7)
            convolution.`Winograd's way in fixed point keeps the definition on doubled maps`(height: 3)
            convolution.`Winograd's way in fixed point keeps the definition in every geometry`(height: 5, width: 4)
            convolution.`Winograd's way in fixed point keeps the definition for every tail of inputs and outputs`(
                inputs: 129)
            convolution.`Winograd's way in fixed point keeps the definition over more tiles than a block has`(
                height: 61, width: 66)
            convolution.`a convolution by im2col in fixed point keeps its definition in every geometry`(
                height: 5, width: 4)
            convolution
                .`a convolution by im2col in fixed point keeps its definition over more rows than im2col stores`(
                    height: 31, width: 31)
            convolution.`weights stored as halves convolve in fixed point as the floats that they are, bit for bit`()
            convolution.`the errors of Winograd's way in fixed point are those of independent roundings`(inputs: 64)
            convolution.`what is not finite in fixed point reaches the outputs whose tiles read it and no other`()
            convolution.`tiles of tiny numbers count for nothing, and those of huge ones do not hide`(magnitude: 3e-23)
            let normalized = NormalizedConvolutionTests()
            for fixed in [false, true] {
                normalized.`dseg_convolution with gains is one of the normalised map in every geometry`(fixed: fixed)
            }
            normalized.`dseg_fixed_gated_linear is the gated gelu of a product, bit for bit`()
            normalized.`dseg_clear makes zeros of whatever there is, and of nothing beside it`()
        }
    }

    @Test func `dseg_choose_target refuses what the processor has not, and changes nothing`() {
        let target = dseg_chosen_target()
        #expect(!dseg_choose_target(dseg_instruction_set(rawValue: 99)))
        #expect(dseg_chosen_target() == target)
    }

    @Test func `the widest target that the processor has is chosen where the environment names none`() async {
        await #expect(processExitsWith: .success) {
            unsafe unsetenv(InstructionSet.variable)
            #expect(InstructionSet.chosen == .portable && Threads.count == 1)
            try Threads.start(1)
            let chosen = dseg_chosen_target()
            let wider = targets.filter { $0.rawValue > chosen.rawValue }
            #expect(wider.allSatisfy { !dseg_choose_target($0) })
            #expect(InstructionSet.allCases[Int(chosen.rawValue)] == .chosen)
        }
    }

    @Test(arguments: [1, 2, 3, 9])
    func `as many threads compute as were asked for, and the bits are the same`(threads: Int) async {
        _ = startedThreads
        let expected = digest(answers())
        await #expect(processExitsWith: .success) { [threads, expected = expected as UInt64] in
            try Threads.start(threads)
            #expect(Threads.count == threads)
            #expect(digest(answers()) == expected)
            ProductTests().`dseg_linear is x wᵀ + bias around the borders of its tasks`()
            ConvolutionTests().`dseg_convolution keeps its definition over more pixels than a task has`()
            let winograd = WinogradTests()
            winograd.`Winograd's way keeps the definition of few tiles and of more`(height: 16, width: 32)
            winograd.`Winograd's way keeps the definition over more tiles than a block has`(height: 61, width: 66)
            winograd.`Winograd's way keeps the definition over groups of outputs`(
                inputs: 131, outputs: 70)
            AttentionTests().`dseg_attention keeps its definition around the borders of its tiles`()
            FixedProductTests().`dseg_fixed_linear is exact but for the scales at every number of rows`()
            let fixed = FixedConvolutionTests()
            fixed.`Winograd's way in fixed point keeps the definition over more tiles than a block has`(
                height: 61, width: 66)
            fixed.`a convolution by im2col in fixed point keeps its definition over more rows than im2col stores`(
                height: 31, width: 31)
            FixedAttentionTests().`dseg_attention in fixed point keeps its definition around the borders of its tiles`()
            NormTests().`dseg_group_norm_silu keeps its definition around the borders of its strips`()
        }
    }
}
