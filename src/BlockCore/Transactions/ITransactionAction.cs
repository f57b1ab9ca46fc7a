namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// One prepared change. Its preparation has done everything that can fail; what is left cannot. <i>QEMU: TransactionActionDrv.</i>
/// </summary>
public interface ITransactionAction
{
    /// <summary>Makes the change final.</summary>
    void Commit();

    /// <summary>Takes the change back.</summary>
    void Abort();

    /// <summary>Runs last, after either.</summary>
    void Clean();
}
