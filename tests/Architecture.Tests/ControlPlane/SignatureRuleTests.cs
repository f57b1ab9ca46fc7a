using System.Reflection;
using BlockGraph.Architecture.Tests.Dependencies;

namespace BlockGraph.Architecture.Tests.ControlPlane;

/// <summary>Shows that each signature rule catches what it is there for.</summary>
[TestFixture]
internal sealed class SignatureRuleTests
{
    private const string Sample = """
        using System.Threading;
        using System.Threading.Tasks;

        public interface IStep { void Commit(); Task<int> CleanAsync(); }

        public class Step : IStep
        {
            public void Abort() { }
            public void AbortGently(CancellationToken cancel) { }
            public bool CommitMost() => true;
            void IStep.Commit() { }
            Task<int> IStep.CleanAsync() => Task.FromResult(1);
        }

        public class Instance : System.IAsyncDisposable
        {
            public ValueTask ReadAsync() => default;
            public ValueTask<bool> TryDiscardAsync() => default;
            public Task WriteAsync() => Task.CompletedTask;
            public bool ReadOnly => true;
            public int WriteCount() => 0;
            public ValueTask OpenAsync() => default;
            public Task CloseAsync() => Task.CompletedTask;
            public ValueTask DisposeAsync() => default;
            private ValueTask StepAsync() => default;
            public async void Fire() => await Task.Yield();
            public System.Action Lambda() => async () => await Task.Yield();
            public async Task RunAsync() => await Task.Yield();
        }
        """;

    private static readonly Assembly SampleAssembly = SyntheticAssembly.Load("SignatureSample", Sample);

    [Test]
    public void A_last_step_that_returns_something_or_takes_a_token_is_caught()
    {
        string[] caught = [.. SignatureRules.LastSteps(SampleAssembly.GetTypes()).Where(IsWrong).Select(method => method.Name).Order(StringComparer.Ordinal)];
        Assert.That(caught, Is.EqualTo(new[] { "AbortGently", "CleanAsync", "CommitMost", "IStep.CleanAsync" }), "These and no others.");
        static bool IsWrong(MethodInfo method) => SignatureRules.LastStepViolation(method) is not null;
    }

    [Test]
    public void A_request_that_returns_Task_is_caught()
    {
        MethodInfo[] requests = [.. SignatureRules.Requests(SampleAssembly.GetType("Instance")!)];
        Assert.That(requests.Select(method => method.Name), Is.EquivalentTo(new[] { "ReadAsync", "TryDiscardAsync", "WriteAsync" }), "The requests.");
        Assert.That(requests.Where(method => SignatureRules.RequestViolation(method) is not null).Select(method => method.Name),
            Is.EqualTo(new[] { "WriteAsync" }), "Only the one that returns Task.");
    }

    [Test]
    public void A_change_that_returns_ValueTask_is_caught()
    {
        string[] caught = [.. SignatureRules.Changes([SampleAssembly.GetType("Instance")!]).Select(SignatureRules.ChangeViolation).OfType<string>()];
        Assert.That(caught, Has.Length.EqualTo(1).And.All.Contains("OpenAsync"), "Requests, disposal and private steps are free.");
    }

    [Test]
    public void An_async_void_method_or_lambda_is_caught() =>
        Assert.That(SignatureRules.AsyncVoids(SampleAssembly).Count(), Is.EqualTo(2), "Fire and the lambda.");
}
