module kfplan.test/cluster

go 1.24.0
