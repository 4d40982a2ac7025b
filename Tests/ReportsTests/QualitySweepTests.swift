import Architectures
import Formulas
import GSL
import Reports
import Scenarios
import Testing

/// A sweep around a two-level model with 40 steps.
private let sweep = """
  name: q
  model:
    architecture: photon
    vocabulary: 257
    width: 32
    heads: 2
    feed_forward: 88
    levels:
      - {chunk: 2, condition: 2, encoder_layers: 1, decoder_layers: 1}
      - {chunk: 2, condition: 2, encoder_layers: 1, decoder_layers: 1}
  train: {data: {zipf_markov: {}}, context: 32, batch: 8, steps: 400}
  quality_sweep:
    seeds: [3, 5]
    data:
      - {name: long}
      - {name: short, set: {train.steps: 100}, variants: [vanilla]}
    variants:
      - {name: own}
      - {name: vanilla, set: {model.architecture: vanilla, model.layers: 4, model.levels: null}}
      - {name: wide, set: {model.width: 64}}
      - {name: tokens, tokens_of: vanilla, set: {train.batch: 4}}
      - {name: weighted, set: {train.reconstruction_weight: 0.3}}
  """

struct QualitySweepTests {
  @Test func `every run comes as near to the budget as whole steps can`() throws {
    let plan = try QualityPlan(scenario(sweep))
    #expect(plan.runs.count == 12)
    for run in plan.runs where run.variant.tokensOf == nil {
      let step = try TrainingCost(run.model, run.training).flops
      let budget = try #require(plan.budgets[run.dataset])
      #expect(run.trainingFlops == step * Int128(run.training.steps))
      #expect(2 * (run.trainingFlops - budget).magnitude <= step.magnitude, "\(run.variant.name)")
    }
    #expect(plan.budgets["long"] == 4 * plan.budgets["short"]!)
    let own = try #require(plan.runs.first { $0.variant.name == "own" })
    #expect(own.training.steps == 400 && own.trainingFlops == plan.budgets["long"])
  }

  @Test func `a variant with the tokens of another reads as many, whatever its batch`() throws {
    let plan = try QualityPlan(scenario(sweep))
    let tokens = plan.runs.filter { ["vanilla", "tokens"].contains($0.variant.name) && $0.dataset == "long" }
    #expect(tokens.map(\.variant.name) == ["vanilla", "tokens", "vanilla", "tokens"])
    #expect(Set(tokens.map(\.tokens)).count == 1)
    #expect(tokens[0].training.steps * 2 == tokens[1].training.steps)
  }

  @Test func `the first seed goes through everything before the second`() throws {
    let plan = try QualityPlan(scenario(sweep))
    #expect(plan.runs.map(\.seed) == Array(repeating: 3, count: 6) + Array(repeating: 5, count: 6))
    #expect(plan.runs.allSatisfy { $0.training.seed == $0.seed })
    #expect(Set(plan.runs.map(\.folderName)).count == 12)
  }

  @Test func `the arguments of a run alone make its scenario`() throws {
    for run in try QualityPlan(scenario(sweep)).runs {
      let alone = try Scenario(
        text: sweep, file: "s.yaml", options: .init(overrides: run.arguments, checksHardware: false))
      #expect(alone.train == run.training)
      #expect(alone.grid.models.map { $0?.model } == [run.model])
    }
  }

  @Test func `a variant that is no model is named`() throws {
    let wrong = sweep.replacing("model.width: 64", with: "model.width: 65")
    #expect {
      _ = try QualityPlan(scenario(wrong))
    } throws: { error in
      "\(error)".contains("do not divide the width 65 (in the variant wide)")
    }
  }

  @Test(arguments: [
    ("{name: Wide!, set: {model.width: 64}}", "wide and Wide! are the same run"),
    ("{name: brief, set: {train.steps: 7}}", "brief sets its own steps"),
  ])
  func `variants that cannot be compared are refused`(variant: String, complaint: String) throws {
    #expect {
      _ = try QualityPlan(scenario(sweep + "\n    - \(variant)"))
    } throws: {
      "\($0)".contains(complaint)
    }
  }

  @Test func `the spread is pooled over models, and its intervals are Student's`() {
    // Sums of squares around the means 1.5, 5 and 3: 0.5 + 2 + 0; the last model has one seed and says nothing.
    let spread = SeedSpread([[1, 2], [4, 6], [3, 3], [7]])
    #expect(spread.degreesOfFreedom == 3)
    #expect(abs(spread.deviation! - (2.5 / 3).squareRoot()) < 1e-15)
    // t(0.975; 3) = 3.182446 and t(0.975; 10) = 2.228139: any table of Student's t.
    #expect(abs(Statistics.studentQuantile(0.975, degreesOfFreedom: 3) - 3.182446) < 5e-7)
    #expect(abs(Statistics.studentQuantile(0.975, degreesOfFreedom: 10) - 2.228139) < 5e-7)
    #expect(abs(spread.uncertainty(2, 2)! - 3.182446 * spread.deviation!) < 1e-6)
    // One of five comparisons, each at 99 %: t(0.995; 3) = 5.840909.
    #expect(abs(spread.uncertainty(2, 2, comparisons: 5)! - 5.840909 * spread.deviation!) < 1e-6)
    #expect(SeedSpread([[1], [2]]).deviation == nil)
  }

  @Test func `the front is what none beats, and its probabilities follow the distances`() {
    let spread = SeedSpread((0..<20).map { _ in [0.0, 0.1] })
    // Cheap and bad, dear and good, dearer and as good as the second, dearest and much worse.
    let front = ParetoFront(costs: [1, 2, 3, 4], means: [5, 1, 1, 3], counts: [2, 2, 2, 2], spread: spread)
    #expect(front.members == [0, 1])
    let shares = front.probabilities!
    #expect(shares[0] == 1 && shares[1] == 1 && shares[3] == 0)
    // An even chance, within five standard errors of 10 000 draws.
    #expect(abs(shares[2] - 0.5) < 5 * 0.005)
    let again = ParetoFront(costs: [1, 2, 3, 4], means: [5, 1, 1, 3], counts: [2, 2, 2, 2], spread: spread)
    #expect(again.probabilities == front.probabilities)
    let twins = ParetoFront(costs: [1, 1], means: [2, 2], counts: [1, 1], spread: SeedSpread([]))
    #expect(twins.members == [0, 1] && twins.probabilities == nil)
  }
}
